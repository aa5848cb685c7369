package chdb

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
	driver "github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// revision of the protocol: the last one before blocks with special serializations.
const revision = driver.DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION - 1

// session is a client's connection.
type session struct {
	server     *Server
	conn       net.Conn
	reader     *proto.Reader
	database   string
	compressed bool
}

// serve answers the client's packets until it goes away.
func (s *session) serve() error {
	for {
		packet, err := s.reader.UVarInt()
		if err != nil {
			return err
		}
		switch packet {
		case driver.ClientHello:
			err = s.hello()
		case driver.ClientPing:
			err = s.send([]byte{driver.ServerPong})
		case driver.ClientQuery:
			err = s.query()
		default: // a cancel, too: a client that cancels closes the connection
			return fmt.Errorf("packet %d", packet)
		}
		if err != nil {
			return err
		}
	}
}

func (s *session) send(packet []byte) error {
	_, err := s.conn.Write(packet)
	return err
}

func (s *session) hello() error {
	var hello proto.ClientHello
	if err := hello.Decode(s.reader); err != nil {
		return err
	}
	s.database = cmp.Or(hello.Database, "default")
	if hello.User != "default" && hello.User != "" || hello.Password != "" {
		return s.fail(errors.New("Code: 193. DB::Exception: Wrong password for user " + hello.User))
	}
	if _, err := s.server.engine.run(s.database, "SELECT 1", nil); err != nil { // there may be no such database
		return s.fail(err)
	}
	v := s.server.version
	answer := proto.ServerHello{Name: "ClickHouse", Major: v[0], Minor: v[1], Patch: v[2], Revision: revision, Timezone: "UTC"}
	var b proto.Buffer
	answer.EncodeAware(&b, hello.ProtocolVersion)
	return s.send(b.Buf)
}

// batchInsert is a statement whose rows come as blocks.
var batchInsert = regexp.MustCompile(`(?is)^\s*INSERT\s+INTO\s+([^(\s]+)\s*(?:\((.*)\))?\s*(?:VALUES|FORMAT\s+Native)?\s*$`)

func (s *session) query() error {
	var q proto.Query
	if err := q.DecodeAware(s.reader, revision); err != nil {
		return err
	}
	s.compressed = q.Compression == proto.CompressionEnabled
	if tables, err := s.blocks(); err != nil || len(tables) > 0 {
		return errors.Join(err, errors.New("external tables are not supported"))
	}
	settings := make(map[string]string)
	for _, setting := range q.Settings {
		settings[setting.Key] = setting.Value
	}
	delete(settings, "readonly") // the engine would never end it
	run := func(statement string) ([]byte, error) { return s.server.engine.run(s.database, statement, settings) }

	answer := s.answer
	if insert := batchInsert.FindStringSubmatch(q.Body); insert != nil {
		answer = func(run runner, _ string) error { return s.insert(run, insert[1], insert[2]) }
	}
	if err := answer(run, q.Body); err != nil {
		return s.fail(err)
	}
	return s.send([]byte{driver.ServerEndOfStream})
}

type runner func(statement string) (rows []byte, err error)

// selection is a statement that has columns even without rows.
var selection = regexp.MustCompile(`(?is)^\s*\(*\s*(SELECT|WITH)\b`)

// answer sends the rows of a statement.
func (s *session) answer(run runner, statement string) error {
	rows, err := run(statement)
	if err != nil {
		return err
	}
	if len(rows) == 0 && selection.MatchString(statement) {
		return s.header(run, statement)
	}
	stream := proto.NewReader(bytes.NewReader(rows))
	for {
		block := driver.NewBlock()
		if err := block.Decode(stream, 0); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var body proto.Buffer
		if err := block.Encode(&body, revision); err != nil {
			return err
		}
		if err := s.data(body.Buf); err != nil {
			return err
		}
	}
}

// header sends the columns of a statement, without rows.
func (s *session) header(run runner, statement string) error {
	described, err := run("DESCRIBE TABLE (" + statement + ")")
	if err != nil {
		return err
	}
	columns := driver.NewBlock()
	if err := columns.Decode(proto.NewReader(bytes.NewReader(described)), 0); err != nil {
		return err
	}
	var body proto.Buffer
	proto.Block{Info: proto.BlockInfo{BucketNum: -1}, Columns: columns.Rows()}.EncodeAware(&body, revision)
	for i := range columns.Rows() {
		for _, column := range columns.Columns[:2] { // the name and the type
			var text string
			if err := column.ScanRow(&text, i); err != nil {
				return err
			}
			body.PutString(text)
		}
	}
	return s.data(body.Buf)
}

// insert tells the client the columns, and inserts its blocks.
func (s *session) insert(run runner, table, columns string) error {
	into := table
	if columns != "" {
		into += " (" + columns + ")"
	}
	if err := s.header(run, "SELECT "+cmp.Or(columns, "*")+" FROM "+table); err != nil {
		return err
	}
	blocks, err := s.blocks()
	if err != nil || len(blocks) == 0 {
		return err
	}
	var b proto.Buffer
	for _, block := range blocks {
		if err := block.Encode(&b, 0); err != nil {
			return err
		}
	}
	file, err := os.CreateTemp(s.server.engine.dir, "insert-*.native")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(b.Buf)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	_, err = run("INSERT INTO " + into + " SELECT * FROM file(" + literal(file.Name()) + ", 'Native')")
	return err
}

// blocks reads the client's blocks up to the empty one.
func (s *session) blocks() (blocks []*driver.Block, err error) {
	for {
		packet, err := s.reader.UVarInt()
		if err != nil {
			return nil, err
		}
		if packet != driver.ClientData {
			return nil, fmt.Errorf("packet %d between blocks", packet)
		}
		if _, err := s.reader.Str(); err != nil { // the table's name
			return nil, err
		}
		block := driver.NewBlock()
		if s.compressed {
			s.reader.EnableCompression()
		}
		err = block.Decode(s.reader, revision)
		s.reader.DisableCompression()
		if err != nil {
			return nil, err
		}
		if len(block.Columns) == 0 {
			return blocks, nil
		}
		blocks = append(blocks, block)
	}
}

// data sends a block.
func (s *session) data(block []byte) error {
	if s.compressed {
		w := compress.NewWriter(compress.LevelZero, compress.LZ4)
		if err := w.Compress(block); err != nil {
			return err
		}
		block = w.Data
	}
	return s.send(append([]byte{driver.ServerData, 0}, block...)) // 0: no table name
}

var exception = regexp.MustCompile(`(?s)^Code: (\d+)\. (?:DB::Exception: )?(.*)$`)

// fail sends an error of the engine or of this server.
func (s *session) fail(err error) error {
	e := proto.Exception{Name: "DB::Exception", Message: "DB::Exception: " + err.Error(), Code: 1001} // STD_EXCEPTION
	if parts := exception.FindStringSubmatch(err.Error()); parts != nil {
		code, err := strconv.Atoi(parts[1])
		if err != nil {
			return err
		}
		e.Code, e.Message = proto.Error(code), "DB::Exception: "+parts[2]
	}
	var b proto.Buffer
	b.PutByte(driver.ServerException)
	e.EncodeAware(&b, revision)
	return s.send(b.Buf)
}
