package conn

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive/clickhouse/tables"
)

// Prepare begins an INSERT of whole rows, with the table's columns in order.
func (c *Conn) Prepare(ctx context.Context, t *tables.Table) (driver.Batch, error) {
	var columns []string
	for _, column := range t.Columns() {
		columns = append(columns, column.Name)
	}
	return c.PrepareBatch(ctx, "INSERT INTO "+t.Rows()+" ("+strings.Join(columns, ", ")+")")
}

// Insert inserts whole rows, with the table's columns in order.
func (c *Conn) Insert(ctx context.Context, t *tables.Table, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	batch, err := c.Prepare(ctx, t)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := batch.Append(row...); err != nil {
			_ = batch.Abort()
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return batch.Send()
}

// Revision returns a revision that is greater than all before in this process, and later
// than those of other machines as far as clocks agree.
func Revision() uint64 {
	for {
		last := revision.Load()
		next := max(uint64(time.Now().UnixNano()), last+1)
		if revision.CompareAndSwap(last, next) {
			return next
		}
	}
}

// Overtake makes all later revisions greater than one that the archive has.
func Overtake(seen uint64) {
	for last := revision.Load(); last < seen && !revision.CompareAndSwap(last, seen); last = revision.Load() {
	}
}

var revision atomic.Uint64

// fingerprint names the views that this program makes.
func fingerprint(d tables.Dialect, l tables.Layout) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(d.Views(l), ";"))))[:16]
}
