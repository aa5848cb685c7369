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

// cursor reads rows, entity by entity.
type cursor struct {
	seriesQuery
	ctx      context.Context
	window   schema.Window
	prepared []*sql.Stmt    // of cold rows or a rollup, then of hot rows
	hot      map[int64]bool // the entities with hot rows

	entity int64
	ran    int // number of prepared statements that ran
	rows   *sql.Rows
	err    error

	// The current row.
	at      schema.Instant
	metric  int64
	values  []tables.NullValue
	targets []any // pointers to the above
	n       int   // number of rows read
}

// cursor prepares the query.
func (s *Samples) cursor(ctx context.Context, q seriesQuery, selection archive.Selection) (*cursor, error) {
	c := &cursor{seriesQuery: q, ctx: ctx, window: selection.Window, values: make([]tables.NullValue, q.perRow)}
	c.targets = []any{&c.at}
	if q.narrow != nil {
		c.targets = append(c.targets, &c.metric)
	}
	c.targets = append(c.targets, tables.Pointers(c.values)...)
	for _, text := range q.texts {
		stmt, err := s.tx.Statement(text)
		if err != nil {
			return nil, err
		}
		c.prepared = append(c.prepared, stmt)
	}
	if len(c.prepared) > 1 && s.hot[q.name] == nil {
		hot, err := conn.Map[int64, bool](s.tx.Ctx, s.tx.Tx, q.hotEntities)
		if err != nil {
			return nil, err
		}
		s.hot[q.name] = hot
	}
	c.hot = s.hot[q.name]
	return c, nil
}

// begin moves before the first row of an entity.
func (c *cursor) begin(entity int64) { c.entity, c.ran, c.err = entity, 0, nil }

// next moves to the next row. It returns false at the end or after an error, which
// close returns.
func (c *cursor) next() bool {
	for c.err == nil {
		if c.rows == nil {
			if c.ran == len(c.prepared) || c.ran == 1 && !c.hot[c.entity] {
				return false
			}
			// The statement does not end with ctx: see [conn.Prepared].
			c.rows, c.err = c.prepared[c.ran].QueryContext(context.WithoutCancel(c.ctx), c.entity, c.window.From, c.window.To)
			c.ran++
			continue
		}
		if c.rows.Next() {
			if c.err = c.rows.Scan(c.targets...); c.err == nil && c.n%1024 == 0 {
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

// close closes the entity's rows, and returns the error of next.
func (c *cursor) close() error {
	c.closeRows()
	return c.err
}

// samples yields the samples of the current and all later rows.
func (c *cursor) samples(yield func(archive.Sample) bool) {
	for more := true; more; more = c.next() {
		first := c.narrow[c.metric] // 0 in wide tables
		for i, v := range c.values {
			if v.Set && !yield(archive.Sample{Column: first + i, At: c.at, Value: v.Value}) {
				return
			}
		}
	}
}
