package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive"
	"heapstash/archive/clickhouse/tables"
)

// selectParts has the parameters of selectBytes.
const selectParts = `SELECT table, toInt64(sum(bytes_on_disk)) FROM %s WHERE active AND database = %s GROUP BY table`

// Usage returns the size of each table with samples, of one replica of each shard, and of
// all others together.
func (r *Reader) Usage(ctx context.Context) (archive.Usage, error) {
	named := make(map[string]string)
	l := r.server.Layout
	for _, t := range append(slices.Clone(l.Wide), l.Narrow) {
		named[t.Rows()], named[t.Local()] = t.Name, t.Name
	}
	sizes := make(map[string]int64)
	err := r.server.Each(ctx, fmt.Sprintf(selectParts, r.parts(), tables.Literal(r.server.Dialect.Database)), func(row driver.Rows) error {
		var table string
		var bytes int64
		err := row.Scan(&table, &bytes)
		sizes[named[table]] += bytes
		return err
	})
	u := archive.Usage{Parts: []archive.PartUsage{}, Namespaces: []archive.NamespaceUsage{}}
	for name, bytes := range sizes {
		u.Parts = append(u.Parts, archive.PartUsage{Name: name, Bytes: bytes})
	}
	slices.SortFunc(u.Parts, func(a, b archive.PartUsage) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Name, b.Name))
	})
	return u, err
}
