package tables

import (
	"fmt"
	"slices"
	"strings"
)

// Format is the version of the tables.
const Format = 1

// Dialect is where the tables are, and which SQL the servers know.
type Dialect struct {
	Database string
	// Cluster is the cluster's name in the servers' settings; empty for one server.
	Cluster string
	// Replicated tables have a copy on each replica of a shard. The servers need the
	// macros shard and replica, and ZooKeeper or ClickHouse Keeper.
	Replicated bool
	// Codecs are compression methods of columns.
	Codecs bool
	// Windows are window functions. Without them, there are no views of rates.
	Windows bool
}

// NewDialect returns the dialect of a server of the major version.
func NewDialect(database, cluster string, replicated bool, major uint64) Dialect {
	return Dialect{Database: database, Cluster: cluster, Replicated: replicated, Codecs: major >= 20, Windows: major >= 22}
}

// Script returns the statements that make the database, the tables and the views, in
// order. They change nothing that exists already. Their identifiers come from the
// registry and the dialect only.
func (d Dialect) Script(l Layout) []string {
	return slices.Concat([]string{d.MakeDatabase()}, d.MakeTables(l), d.Views(l))
}

// MakeDatabase returns the statement that makes the database.
func (d Dialect) MakeDatabase() string {
	return "CREATE DATABASE IF NOT EXISTS " + Quote(d.Database) + d.onCluster()
}

// MakeTables returns the statements that make the tables, in any order.
func (d Dialect) MakeTables(l Layout) (statements []string) {
	for _, t := range l.Tables() {
		if d.Cluster == "" {
			statements = append(statements, d.create(t, t.Rows()))
			continue
		}
		statements = append(statements, d.create(t, t.Local()), d.createDistributed(t))
	}
	return statements
}

// Views returns the statements that make the views, in any order.
func (d Dialect) Views(l Layout) []string {
	var statements []string
	for _, v := range d.views(l) {
		statements = append(statements, fmt.Sprintf("CREATE VIEW IF NOT EXISTS %s%s AS\n%s", d.Name(v.name), d.onCluster(), v.query))
	}
	return statements
}

// Names returns the names of all tables and views.
func (d Dialect) Names(l Layout) (names []string) {
	for _, t := range l.Tables() {
		names = append(names, t.Rows())
		if d.Cluster != "" {
			names = append(names, t.Local())
		}
	}
	for _, v := range d.views(l) {
		names = append(names, v.name)
	}
	return names
}

// DropViews returns the statements that remove the views, in any order.
func (d Dialect) DropViews(l Layout) []string {
	var statements []string
	for _, v := range d.views(l) {
		statements = append(statements, "DROP TABLE IF EXISTS "+d.Name(v.name)+d.onCluster())
	}
	return statements
}

// Name returns the full name of a table or view.
func (d Dialect) Name(table string) string { return Quote(d.Database) + "." + Quote(table) }

// OnCluster returns the clause that runs a statement on every server.
func (d Dialect) onCluster() string {
	if d.Cluster == "" {
		return ""
	}
	return " ON CLUSTER " + Quote(d.Cluster)
}

// Alter returns the begin of a statement that changes the servers' own rows.
func (d Dialect) Alter(t *Table) string {
	if d.Cluster == "" {
		return "ALTER TABLE " + d.Name(t.Rows())
	}
	return "ALTER TABLE " + d.Name(t.Local()) + d.onCluster()
}

// Month is the partition of a row with the time ts. It is the calendar month, UTC, and
// [LastMonth] for all later ones, because DateTime ends in 2106.
const (
	Month     = "toYYYYMM(toDateTime(least(ts, 4102444799), 'UTC'))"
	LastMonth = 209912
)

func (d Dialect) create(t *Table, name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE IF NOT EXISTS %s%s (\n", d.Name(name), d.onCluster())
	columns := t.Columns()
	for i, c := range columns {
		comma := ","
		if i == len(columns)-1 {
			comma = ""
		}
		fmt.Fprintf(&b, "  %s %s%s%s\n", Quote(c.Name), c.Type, d.codec(c), comma)
	}
	engine := "ReplacingMergeTree(" + Revision + ")"
	if d.Replicated {
		path := fmt.Sprintf("/clickhouse/heapstash/%s/%s/{shard}/%s", d.Cluster, d.Database, t.Name)
		engine = fmt.Sprintf("ReplicatedReplacingMergeTree(%s, '{replica}', %s)", Literal(path), Revision)
	}
	fmt.Fprintf(&b, ") ENGINE = %s", engine)
	if t.byMonth {
		b.WriteString(" PARTITION BY " + Month)
	}
	// Small granules: a question about the last hour reads one of each series.
	fmt.Fprintf(&b, " ORDER BY (%s) SETTINGS index_granularity = 1024", joined(t.KeyNames()))
	return b.String()
}

// codec returns the compression of a column. Times grow by the same step from row to
// row, and values change little.
func (d Dialect) codec(c Column) string {
	switch {
	case !d.Codecs:
		return ""
	case c.Name == "ts":
		return " CODEC(DoubleDelta, ZSTD(1))"
	case c.Type == integer || c.Type == maybeInteger:
		return " CODEC(Delta(8), ZSTD(1))"
	default:
		return " CODEC(ZSTD(1))"
	}
}

func (d Dialect) createDistributed(t *Table) string {
	var columns []string
	for _, c := range t.Columns() {
		columns = append(columns, Quote(c.Name)+" "+c.Type)
	}
	return fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s%s (\n  %s\n) ENGINE = Distributed(%s, %s, %s, cityHash64(%s))",
		d.Name(t.Rows()), d.onCluster(), strings.Join(columns, ",\n  "), Quote(d.Cluster), Quote(d.Database), Quote(t.Local()), joined(t.shardedBy))
}

// Quote returns the text as an identifier.
func Quote(name string) string { return "`" + escape.Replace(name) + "`" }

// Literal returns the text as a string.
func Literal(text string) string { return "'" + escape.Replace(text) + "'" }

var escape = strings.NewReplacer(`\`, `\\`, "`", "\\`", `'`, `\'`)
