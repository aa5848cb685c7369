package read

import (
	"context"
	"database/sql"
	"errors"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// cursor reads the rows of one entity after the other.
type cursor struct {
	seriesQuery
	ctx        context.Context
	window     schema.Window
	statements []*sql.Stmt    // the older rows' first
	hot        map[int64]bool // the entities for which the second statement has rows

	entity int64
	nth    int // of the statements, the one that rows are of
	rows   *sql.Rows
	err    error

	// The row.
	at     schema.Instant
	metric int64
	cells  []tables.NullValue
	into   []any // pointers to the above
	n      int   // how many rows were read
}

// cursor prepares the query.
func (s *Samples) cursor(ctx context.Context, q seriesQuery, selection archive.Selection) (*cursor, error) {
	c := &cursor{seriesQuery: q, ctx: ctx, window: selection.Window, cells: make([]tables.NullValue, q.cells)}
	c.into = []any{&c.at}
	if q.narrow != nil {
		c.into = append(c.into, &c.metric)
	}
	c.into = append(c.into, tables.Pointers(c.cells)...)
	for _, text := range q.statements {
		stmt, err := s.tx.Statement(text)
		if err != nil {
			return nil, err
		}
		c.statements = append(c.statements, stmt)
	}
	if len(c.statements) > 1 && s.hot[q.name] == nil {
		ids, err := conn.Column[int64](s.tx.Ctx, s.tx.Tx, q.hotEntities)
		if err != nil {
			return nil, err
		}
		s.hot[q.name] = make(map[int64]bool, len(ids))
		for _, id := range ids {
			s.hot[q.name][id] = true
		}
	}
	c.hot = s.hot[q.name]
	return c, nil
}

// begin goes before the first row of an entity.
func (c *cursor) begin(entity int64) { c.entity, c.nth, c.err = entity, 0, nil }

// next goes to the next row, and returns false at the end or after an error, which
// close returns.
func (c *cursor) next() bool {
	for c.err == nil {
		if c.rows == nil {
			if c.nth == len(c.statements) || c.nth == 1 && !c.hot[c.entity] {
				return false
			}
			// The statement does not end with ctx: see [conn.Prepared].
			c.rows, c.err = c.statements[c.nth].QueryContext(context.WithoutCancel(c.ctx), c.entity, c.window.From, c.window.To)
			c.nth++
			continue
		}
		if c.rows.Next() {
			if c.err = c.rows.Scan(c.into...); c.err == nil && c.n%1024 == 0 {
				c.err = c.ctx.Err()
			}
			c.n++
			return c.err == nil
		}
		c.closeRows()
	}
	return false
}

func (c *cursor) closeRows() {
	if c.rows != nil {
		c.err = errors.Join(c.err, c.rows.Err(), c.rows.Close())
		c.rows = nil
	}
}

// close ends the reading of an entity.
func (c *cursor) close() error {
	c.closeRows()
	return c.err
}

// samples yields the samples from the present row on.
func (c *cursor) samples(yield func(archive.Sample) bool) {
	for there := true; there; there = c.next() {
		first := c.narrow[c.metric] // 0 of wide tables
		for i, cell := range c.cells {
			if cell.Set && !yield(archive.Sample{Column: first + i, At: c.at, Value: cell.Value}) {
				return
			}
		}
	}
}
