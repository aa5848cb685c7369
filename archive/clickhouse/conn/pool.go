package conn

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Pool runs statements on connections to the first of some servers that answers. Several
// goroutines may use it. When a statement's ctx is done, its connection is closed, and the
// error is ctx's.
//
// clickhouse-go v2.51 must not see the end of ctx while it reads an answer: it closes a
// channel that another goroutine of its own may still send a block to, which panics. So it
// gets a ctx that does not end, and each statement has a driver's pool of its own, of one
// connection, which can be closed without harm to others.
type Pool struct {
	options clickhouse.Options
	wires   *wires

	mu     sync.Mutex
	idle   []*single
	closed bool
}

// mostIdle is the number of connections that are kept for later statements.
const mostIdle = 4

// single is a driver's pool of one connection.
type single struct {
	driver.Conn
	open context.Context // ends with cut
	cut  context.CancelFunc

	mu      sync.Mutex
	network net.Conn // nil before it is connected
}

func newPool(options clickhouse.Options, w *wires) *Pool {
	options.MaxOpenConns, options.MaxIdleConns = 1, 1
	return &Pool{options: options, wires: w}
}

func (p *Pool) take() (*single, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, net.ErrClosed
	}
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return s, nil
	}
	s := &single{}
	s.open, s.cut = context.WithCancel(context.Background())
	options := p.options
	options.DialContext = func(ctx context.Context, address string) (net.Conn, error) {
		c, err := p.wires.dial(ctx, s.open, address)
		s.mu.Lock()
		s.network = c
		s.mu.Unlock()
		return c, err
	}
	var err error
	s.Conn, err = clickhouse.Open(&options)
	return s, err
}

// give keeps the connection for another statement.
func (p *Pool) give(s *single) {
	p.mu.Lock()
	keep := !p.closed && len(p.idle) < mostIdle && s.open.Err() == nil
	if keep {
		p.idle = append(p.idle, s)
	}
	p.mu.Unlock()
	if !keep {
		s.end()
	}
}

// cancelPacket is the client's packet that ends a statement, in ClickHouse's protocol. A
// server that only computes would not notice soon that its client is gone.
var cancelPacket = []byte{3}

// cancel asks the server to end a statement that reads, and closes the connection.
func (s *single) cancel() {
	s.mu.Lock()
	c := s.network
	s.mu.Unlock()
	if c != nil {
		late := time.AfterFunc(time.Second, s.cut)
		_, _ = c.Write(cancelPacket) // it is closed anyway
		late.Stop()
	}
	s.cut()
}

func (s *single) end() {
	s.cut()
	_ = s.Conn.Close() // nothing is sent on it any more
}

// Close closes the connections that no statement uses. The others are closed when their
// statements end.
func (p *Pool) Close() error {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, s := range idle {
		s.end()
	}
	return nil
}

func cut(s *single) { s.cut() }

// statement is a statement that runs.
type statement struct {
	*single
	of    *Pool
	ctx   context.Context
	stop  func() bool
	ended bool
	err   error
}

// begin takes a connection for a statement, which must end. When ctx is done, it calls
// abandon: [single.cancel] or [single.cut]. A server may take a packet that cancels an
// INSERT for its regular end.
func (p *Pool) begin(ctx context.Context, abandon func(*single)) (*statement, context.Context, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	s, err := p.take()
	if err != nil {
		return nil, nil, err
	}
	return &statement{single: s, of: p, ctx: ctx, stop: context.AfterFunc(ctx, func() { abandon(s) })}, context.WithoutCancel(ctx), nil
}

// end returns the statement's error, or ctx's if that is why there is one.
func (s *statement) end(err error) error {
	if s.ended {
		return s.err
	}
	s.ended = true
	s.stop()
	if s.err = err; err != nil && s.ctx.Err() != nil {
		s.err = s.ctx.Err()
	}
	s.of.give(s.single)
	return s.err
}

// Query runs a statement that has rows. Their Close ends it, also before the last row.
func (p *Pool) Query(ctx context.Context, text string, args ...any) (driver.Rows, error) {
	s, own, err := p.begin(ctx, (*single).cancel)
	if err != nil {
		return nil, err
	}
	rows, err := s.Query(own, text, args...)
	if err != nil {
		return nil, s.end(err)
	}
	return &statementRows{Rows: rows, statement: s}, nil
}

// statementRows are the rows of a statement.
type statementRows struct {
	driver.Rows
	statement *statement
	last      bool
}

func (r *statementRows) Next() bool {
	r.last = !r.Rows.Next()
	return !r.last
}

func (r *statementRows) Close() error {
	if !r.last {
		r.statement.cancel() // else Close reads the rest
		_ = r.Rows.Close()
		return r.statement.end(r.statement.ctx.Err())
	}
	err := r.Rows.Close()
	return r.statement.end(cmp.Or(err, r.Rows.Err()))
}

func (r *statementRows) Err() error {
	if r.statement.ended {
		return r.statement.err
	}
	return r.Rows.Err()
}

// Each calls row for each row of a statement's result, until it returns an error.
func (p *Pool) Each(ctx context.Context, row func(driver.Rows) error, statement string, args ...any) error {
	rows, err := p.Query(ctx, statement, args...)
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := row(rows); err != nil {
			_ = rows.Close()
			return err
		}
	}
	return rows.Close()
}

// Row is a statement's only row.
type Row struct {
	rows driver.Rows
	err  error
}

// QueryRow runs a statement that has one row.
func (p *Pool) QueryRow(ctx context.Context, text string, args ...any) Row {
	rows, err := p.Query(ctx, text, args...)
	return Row{rows, err}
}

// Scan copies the row's values. Without a row, the error is [io.EOF].
func (r Row) Scan(into ...any) error {
	if r.err != nil {
		return r.err
	}
	if !r.rows.Next() {
		return cmp.Or(r.rows.Close(), io.EOF)
	}
	if err := r.rows.Scan(into...); err != nil {
		return errors.Join(err, r.rows.Close())
	}
	for r.rows.Next() {
	}
	return r.rows.Close()
}

// Exec runs a statement without rows.
func (p *Pool) Exec(ctx context.Context, text string, args ...any) error {
	s, own, err := p.begin(ctx, cut)
	if err != nil {
		return err
	}
	return s.end(s.Exec(own, text, args...))
}

// Ping connects to a server.
func (p *Pool) Ping(ctx context.Context) error {
	s, own, err := p.begin(ctx, cut)
	if err != nil {
		return err
	}
	return s.end(s.Ping(own))
}

// ServerVersion returns the version of a server that answers.
func (p *Pool) ServerVersion() (v *driver.ServerVersion, err error) {
	s, _, err := p.begin(context.Background(), cut)
	if err != nil {
		return nil, err
	}
	v, err = s.Conn.ServerVersion()
	return v, s.end(err)
}

// PrepareBatch begins an INSERT. Its Send, Abort or Close ends it.
func (p *Pool) PrepareBatch(ctx context.Context, text string) (driver.Batch, error) {
	s, own, err := p.begin(ctx, cut)
	if err != nil {
		return nil, err
	}
	batch, err := s.PrepareBatch(own, text)
	if err != nil {
		return nil, s.end(err)
	}
	return &statementBatch{batch, s}, nil
}

// statementBatch are the rows of an INSERT.
type statementBatch struct {
	driver.Batch
	statement *statement
}

func (b *statementBatch) Send() error  { return b.statement.end(b.Batch.Send()) }
func (b *statementBatch) Abort() error { return b.statement.end(b.Batch.Abort()) }
func (b *statementBatch) Close() error { return b.statement.end(b.Batch.Close()) }
