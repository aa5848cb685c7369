package read

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive"
	"heapstash/archive/clickhouse/rows"
	"heapstash/archive/clickhouse/tables"
	"heapstash/schema"
)

// scan reads the selected samples of a table, series by series. A series has the names
// in the front of the table's key; in the narrow table, its metric is among them.
type scan struct {
	*tables.Table
	names      []string // the columns of a series' names; the first is the cluster
	columns    []archive.Column
	values     []string // an expression for each column; none for the narrow table
	integers   []uint64 // the bit of each column, see [tables.Integers]
	conditions []string
	window     schema.Window
}

// newScan returns the scan of a table, and false if nothing of the table is selected.
func newScan(t *tables.Table, selection archive.Selection) (scan, bool) {
	s := scan{Table: t, window: selection.Window}
	s.names = slices.DeleteFunc(t.KeyNames(), func(name string) bool { return name == "ts" })
	for i, m := range t.Metrics {
		if !selection.MatchesMetric(m.Name) {
			continue
		}
		s.columns = append(s.columns, archive.Column{Metric: m.Name})
		value, bit := m.Column(), t.Bit(i)
		if m.Part != "" && !selection.Shown { // only if Heapster showed it
			value, bit = fmt.Sprintf("if(%s IS NULL, NULL, %s)", value, t.Ratio(i)), 0
		}
		s.values, s.integers = append(s.values, value), append(s.integers, bit)
	}
	if t.IsWide() && len(s.columns) == 0 || t.Kind != 0 && len(selection.Kinds) > 0 && !slices.Contains(selection.Kinds, t.Kind) {
		return s, false
	}
	s.conditions = append(s.conditions, s.present())
	if t.Kind == 0 && len(selection.Kinds) > 0 {
		var kinds []string
		for _, k := range selection.Kinds {
			kinds = append(kinds, tables.Literal(k.String()))
		}
		s.conditions = append(s.conditions, "kind IN ("+strings.Join(kinds, ", ")+")")
	}
	if !t.IsWide() && len(selection.Metrics) > 0 {
		s.conditions = append(s.conditions, rows.Matching("metric", selection.Metrics))
	}
	// What these leave is sifted by [archive.Selection.Matches].
	for column, globs := range map[string][]string{"cluster": selection.Clusters, "namespace": selection.Namespaces, "pod": selection.Pods,
		"container": selection.Containers, "node": selection.Nodes} {
		switch {
		case len(globs) == 0:
		case slices.Contains(s.names, column):
			s.conditions = append(s.conditions, rows.Matching(column, globs))
		default:
			return s, false
		}
	}
	return s, true
}

// present returns the condition that a row has a value.
func (s scan) present() string {
	if !s.IsWide() {
		return "(integer IS NOT NULL OR float IS NOT NULL)"
	}
	arms := make([]string, len(s.values))
	for i, value := range s.values {
		arms[i] = value + " IS NOT NULL"
	}
	return "(" + strings.Join(arms, " OR ") + ")"
}

// within returns the conditions on a row's time, up to the newest one.
func (s scan) within(newest schema.Instant) []string {
	list := []string{fmt.Sprintf("ts <= %d", newest)}
	if s.window.From != 0 {
		list = append(list, fmt.Sprintf("ts >= %d", s.window.From))
	}
	if s.window.To != 0 {
		list = append(list, fmt.Sprintf("ts <= %d", s.window.To))
	}
	return list
}

// selectSeries returns the statement for the names of a cluster's series and about how
// many rows they have.
func (s scan) selectSeries(cluster string, newest schema.Instant) string {
	conditions := append(append([]string{"cluster = " + tables.Literal(cluster)}, s.within(newest)...), s.conditions...)
	names := strings.Join(s.names, ", ")
	return "SELECT " + names + ", toInt64(count()) FROM " + s.Rows() + " FINAL WHERE " + strings.Join(conditions, " AND ") +
		" GROUP BY " + names + " ORDER BY " + names
}

// selectRows returns the statement for the rows of some series of a cluster, each
// series' in the order of time.
func (s scan) selectRows(some []named, newest schema.Instant) string {
	conditions := append([]string{"cluster = " + tables.Literal(some[0].names[0])}, s.within(newest)...)
	conditions = append(conditions, s.present())
	if len(s.names) > 1 {
		of := make([]string, len(some))
		for i, one := range some {
			var names []string
			for _, name := range one.names[1:] {
				names = append(names, tables.Literal(name))
			}
			if of[i] = strings.Join(names, ", "); len(names) > 1 {
				of[i] = "(" + of[i] + ")"
			}
		}
		conditions = append(conditions, "("+strings.Join(s.names[1:], ", ")+") IN ("+strings.Join(of, ", ")+")")
	}
	names := strings.Join(s.names, ", ")
	values := "integer, float"
	if s.IsWide() {
		values = tables.Integers + ", " + strings.Join(s.values, ", ")
	}
	return "SELECT " + names + ", ts, " + values + " FROM " + s.Rows() + " FINAL WHERE " + strings.Join(conditions, " AND ") + " ORDER BY " + names + ", ts"
}

// named is a series with its names.
type named struct {
	names  []string // as in [scan.names]
	metric schema.MetricName
	schema.Entity
	rows int64
}

func (s scan) scanSeries(row driver.Rows) (n named, err error) {
	n.names = make([]string, len(s.names))
	into := make([]any, 0, len(s.names)+1)
	for i := range n.names {
		into = append(into, &n.names[i])
	}
	if err := row.Scan(append(into, &n.rows)...); err != nil {
		return n, err
	}
	n.Kind = s.Kind
	for i, column := range s.names {
		name := n.names[i]
		switch column {
		case "kind":
			n.Kind, err = schema.ParseKind(name)
		case "namespace":
			n.Namespace = name
		case "pod":
			n.Pod = name
		case "container":
			n.Container = name
		case "node":
			n.Node = name
		case "labels":
			n.Labels = name
		case "metric":
			n.metric = schema.MetricName(name)
		}
	}
	return n, err
}
