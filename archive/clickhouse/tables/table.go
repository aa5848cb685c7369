// Package tables has the tables and views of an archive in ClickHouse, and makes them
// from the registry. It does no input or output.
//
// A view has the name and columns that it has in SQLite. The rows of a view such as pod
// are in the table pod_rows. In a cluster, pod_rows is a Distributed table, and each
// server has its part in pod_local.
//
// All tables are ReplacingMergeTrees: of the rows with the same key, the one with the
// greatest revision counts. Only SELECT ... FINAL leaves out the others.
package tables

import (
	"slices"
	"strings"

	"heapstash/schema"
)

// Table is a table of an archive.
type Table struct {
	// Name is the name without its suffix.
	Name string
	// Kind is the kind of the rows' entities; zero for a labelled family, narrow and the
	// tables that have no samples.
	Kind   schema.Kind
	Family schema.Family // empty for a kind's own table
	// Metrics are the metrics with a column.
	Metrics []schema.Metric
	// Key identifies a row, and is the order of the rows.
	Key []Column
	// Values are the other columns, without those that every table has.
	Values []Column

	shardedBy []string // columns of Key
	byMonth   bool     // ts is in Key
	column    map[schema.MetricName]int
	bits      []uint64
}

// Column is a column of a table.
type Column struct{ Name, Type string }

// The columns that every table has beside [Table.Key] and [Table.Values].
const (
	// Revision is the greater one of two rows with the same key that counts.
	Revision = "revision"
	// Deleted is 1 if there is no such row. Tables of samples do not have it.
	Deleted = "deleted"
	// Integers is a bit set of the wide tables: bit i is set if the value in the i-th
	// float column was an integer ([Table.Bit]).
	Integers = "integers"
)

const (
	text         = "String"
	integer      = "Int64"
	maybeInteger = "Nullable(Int64)"
	maybeFloat   = "Nullable(Float64)"
)

// Rows returns the name of the table that has all rows.
func (t *Table) Rows() string { return t.Name + "_rows" }

// Local returns the name of the table that has a server's part of the rows.
func (t *Table) Local() string { return t.Name + "_local" }

// IsSamples reports whether the table has samples.
func (t *Table) IsSamples() bool { return t.byMonth && t.Name != conflictName }

// IsWide reports whether the table has a column for each metric.
func (t *Table) IsWide() bool { return len(t.Metrics) > 0 }

// Columns returns all columns, in order.
func (t *Table) Columns() []Column {
	columns := slices.Concat(t.Key, t.Values)
	switch {
	case t.IsWide():
		columns = append(columns, Column{Integers, "UInt64"})
	case !t.IsSamples():
		columns = append(columns, Column{Deleted, "UInt8"})
	}
	return append(columns, Column{Revision, "UInt64"})
}

// KeyNames returns the names of the key's columns.
func (t *Table) KeyNames() []string { return names(t.Key) }

func names(columns []Column) []string {
	var all []string
	for _, c := range columns {
		all = append(all, c.Name)
	}
	return all
}

// Bit returns the bit in [Integers] of the i-th metric; zero if its column has only
// integers.
func (t *Table) Bit(i int) uint64 { return t.bits[i] }

// bitsOf returns a bit for each metric with floats.
func bitsOf(metrics []schema.Metric) []uint64 {
	bits, next := make([]uint64, len(metrics)), uint64(1)
	for i, m := range metrics {
		if m.IsFloat() {
			bits[i] = next
			next <<= 1
		}
	}
	return bits
}

// texts returns String columns.
func texts(names ...string) []Column {
	var columns []Column
	for _, name := range names {
		columns = append(columns, Column{name, text})
	}
	return columns
}

func columnsOf(columnType string, names string) []Column {
	columns := texts(strings.Fields(names)...)
	for i := range columns {
		columns[i].Type = columnType
	}
	return columns
}

// entityColumns are the columns of an entity of any kind. A name that does not apply is
// empty.
func entityColumns() []Column {
	return texts("cluster", "kind", "namespace", "pod", "container", "node", "labels")
}
