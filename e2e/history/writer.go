package history

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
)

// batchRows is the number of rows that go to the writer at once, and commitRows the
// number of rows in a transaction.
const (
	batchRows  = 1000
	commitRows = 2_000_000
)

// batch has rows of one table.
type batch struct {
	insert string
	width  int
	values []driver.Value
}

// batches collects rows by table and sends them to the writer.
type batches struct {
	ctx  context.Context
	open map[string]*batch
	to   chan<- *batch
}

func (b *batches) add(insert string, row []driver.Value) {
	open := b.open[insert]
	if open == nil {
		open = &batch{insert: insert, width: len(row), values: make([]driver.Value, 0, len(row)*batchRows)}
		b.open[insert] = open
	}
	open.values = append(open.values, row...)
	if len(open.values) == cap(open.values) {
		b.send(open)
	}
}

func (b *batches) send(open *batch) {
	delete(b.open, open.insert)
	select {
	case b.to <- open:
	case <-b.ctx.Done():
	}
}

// flush sends the remaining rows.
func (b *batches) flush() {
	for _, open := range b.open {
		b.send(open)
	}
}

// write generates and writes an archive's rows, both at the same time.
func write(ctx context.Context, conn *sql.Conn, o Options) (rows int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	to := make(chan *batch, 8)
	go func() {
		out := &batches{ctx: ctx, open: make(map[string]*batch), to: to}
		newRecorder(o, out).record()
		out.flush()
		close(to)
	}()
	err = conn.Raw(func(c any) error {
		w := &writer{conn: c.(driver.Conn), statements: make(map[string]driver.StmtExecContext)}
		err := w.exec("BEGIN", nil)
		for b := range to {
			if err == nil {
				err = w.write(b)
			}
			if err != nil {
				cancel()
			}
		}
		for _, kind := range kinds {
			if err == nil {
				err = w.exec(strings.ReplaceAll(insertDue, "KIND", kind.String()), nil)
			}
		}
		if err == nil {
			err = w.exec("COMMIT", nil)
		}
		rows = w.rows
		return errors.Join(err, w.close())
	})
	return rows, errors.Join(err, context.Cause(ctx))
}

// writer writes batches by the driver: database/sql would take twice as long.
type writer struct {
	conn       driver.Conn
	statements map[string]driver.StmtExecContext
	bound      []driver.NamedValue
	rows       int64
	since      int64 // rows since the last commit
}

func (w *writer) exec(text string, row []driver.Value) error {
	s := w.statements[text]
	if s == nil {
		made, err := w.conn.Prepare(text)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		s = made.(driver.StmtExecContext) // go-sqlite3's are
		w.statements[text] = s
	}
	w.bound = w.bound[:0]
	for i, v := range row {
		w.bound = append(w.bound, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	// A context that can be cancelled would cost a goroutine a row.
	_, err := s.ExecContext(context.Background(), w.bound)
	return err
}

func (w *writer) write(b *batch) error {
	for i := 0; i < len(b.values); i += b.width {
		if err := w.exec(b.insert, b.values[i:i+b.width]); err != nil {
			name, _, _ := strings.Cut(b.insert, "(")
			return fmt.Errorf("%s: %w", name, err)
		}
		w.rows++
		w.since++
	}
	if w.since < commitRows {
		return nil
	}
	w.since = 0
	return errors.Join(w.exec("COMMIT", nil), w.exec("BEGIN", nil))
}

func (w *writer) close() (err error) {
	for _, s := range w.statements {
		err = errors.Join(err, s.(driver.Stmt).Close())
	}
	return err
}
