package read

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive"
	"heapstash/archive/clickhouse/rows"
	"heapstash/archive/clickhouse/tables"
)

// parts is the table of parts, of one replica of each shard.
func parts(server rows.Server) string {
	if server.Dialect.Cluster == "" {
		return "system.parts"
	}
	return "cluster(" + tables.Literal(server.Dialect.Cluster) + ", system.parts)"
}

// selectBytes has the parameters of the table of parts and the database.
const selectBytes = `SELECT toInt64(sum(bytes_on_disk)) FROM %s WHERE active AND database = %s`

// selectParts has the parameters of selectBytes.
const selectParts = `SELECT table, toInt64(sum(bytes_on_disk)) FROM %s WHERE active AND database = %s GROUP BY table`

// Usage returns the size of each table with samples, of one replica of each shard, and of
// all others together.
func Usage(ctx context.Context, server rows.Server) (archive.Usage, error) {
	named := make(map[string]string)
	l := server.Layout
	for _, t := range append(slices.Clone(l.Wide), l.Narrow) {
		named[t.Rows()], named[t.Local()] = t.Name, t.Name
	}
	sizes := make(map[string]int64)
	err := server.Each(ctx, fmt.Sprintf(selectParts, parts(server), tables.Literal(server.Dialect.Database)), func(row driver.Rows) error {
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
