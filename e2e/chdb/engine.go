package chdb

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ClickHouse/ch-go/proto"
	driver "github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

//go:embed engine.py
var program string

// engine is a process with a ClickHouse engine. It runs one statement at a time.
type engine struct {
	dir     string
	command *exec.Cmd

	sync.Mutex
	in       io.WriteCloser
	out      *bufio.Reader
	database string            // the one in use
	settings map[string]string // that are set
}

// newEngine starts an engine that stores everything in one directory.
func newEngine(python, dir string) (*engine, error) {
	e := &engine{dir: dir, command: exec.Command(python, "-c", program, filepath.Join(dir, "engine"))}
	e.command.Env = append(os.Environ(), "TZ=UTC")
	e.command.Stderr = os.Stderr
	var err error
	if e.in, err = e.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := e.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	e.out = bufio.NewReader(out)
	return e, e.command.Start()
}

// stop ends the process.
func (e *engine) stop() error {
	e.Lock()
	defer e.Unlock()
	return errors.Join(e.in.Close(), e.command.Wait())
}

// run runs a statement in a database, and returns the rows in the Native format.
func (e *engine) run(database, statement string, settings map[string]string) (rows []byte, err error) {
	e.Lock()
	defer e.Unlock()
	if database != e.database {
		if _, err := e.ask("USE " + quoted(database)); err != nil {
			return nil, err
		}
		e.database = database
	}
	if err := e.set(settings); err != nil {
		return nil, err
	}
	return e.ask(statement)
}

// set makes the settings those of the next statement. All others have their defaults.
func (e *engine) set(settings map[string]string) error {
	if maps.Equal(settings, e.settings) {
		return nil
	}
	var changes []string
	for key := range e.settings {
		if _, stays := settings[key]; !stays {
			changes = append(changes, key+" = DEFAULT")
		}
	}
	for key, value := range settings {
		changes = append(changes, key+" = "+literal(value))
	}
	_, err := e.ask("SET " + strings.Join(changes, ", "))
	if err == nil {
		e.settings = settings
	}
	return err
}

func (e *engine) ask(statement string) ([]byte, error) {
	message := binary.LittleEndian.AppendUint32(nil, uint32(len(statement)))
	if _, err := e.in.Write(append(message, statement...)); err != nil {
		return nil, err
	}
	var head [5]byte
	if _, err := io.ReadFull(e.out, head[:]); err != nil {
		return nil, fmt.Errorf("the engine ended: %w", err)
	}
	answer := make([]byte, binary.LittleEndian.Uint32(head[1:]))
	if _, err := io.ReadFull(e.out, answer); err != nil {
		return nil, fmt.Errorf("the engine ended: %w", err)
	}
	if head[0] != 0 {
		return nil, errors.New(string(answer))
	}
	return answer, nil
}

func quoted(name string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(name) + "`"
}

func literal(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// version asks for the engine's version.
func (e *engine) version() (v [3]int, err error) {
	answer, err := e.run("default", "SELECT version()", nil)
	if err != nil {
		return v, err
	}
	var text string
	block := driver.NewBlock()
	if err := block.Decode(proto.NewReader(bytes.NewReader(answer)), 0); err != nil {
		return v, err
	}
	if err := block.Columns[0].ScanRow(&text, 0); err != nil {
		return v, err
	}
	_, err = fmt.Sscanf(text, "%d.%d.%d", &v[0], &v[1], &v[2])
	return v, err
}
