package answer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"heapstash/archive/clickhouse/rows"
	"heapstash/archive/clickhouse/tables"
	"heapstash/archive/query"
	"heapstash/schema"
)

// plan is a plan whose parts are written as SQL. Identifiers come from the registry
// alone; texts from outside are quoted.
//
// It reads the tables behind the views, because old servers read all of a view before
// they apply conditions. FINAL is on each, as in the views.
type plan struct {
	query.Plan
	// strays is set if integer columns are not enough, because the archive has floats
	// of the metric, too.
	strays bool
}

// planOf is a plan with nothing but the query.
func planOf(q query.Query) plan { return plan{Plan: query.Plan{Query: q}} }

var layout = tables.NewLayout()

// table returns the table with a column for the metric, and the column's index there.
// It is nil if the kind has no column for the metric.
func (p plan) table() (*tables.Table, int) {
	if !p.InRegistry() {
		return nil, 0
	}
	e := schema.Entity{Kind: p.Kind}
	if p.Metric.Family != schema.Unlabelled {
		e.Labels = "any"
	}
	return layout.Find(e, p.Metric.Name)
}

// span returns the time of all segments. Every level is made of raw rows: there are no
// others.
func (p plan) span() query.Span {
	if len(p.Segments) == 0 {
		return p.Range
	}
	return query.Span{From: p.Segments[0].From, To: p.Segments[len(p.Segments)-1].To}
}

// ofNames returns the conditions on the columns of names. The nodes of pods are not
// among them: see [plan.identified].
func (p plan) ofNames() []string {
	var list []string
	for column, globs := range map[string][]string{
		"cluster": p.Clusters, "namespace": p.Namespaces, "pod": p.Pods, "container": p.Containers, "node": p.Nodes,
	} {
		if len(globs) > 0 && !(column == "node" && p.FiltersNodesOfPods()) {
			list = append(list, rows.Matching(column, globs))
		}
	}
	if len(p.ExcludeNamespaces) > 0 {
		list = append(list, "NOT "+rows.Matching("namespace", p.ExcludeNamespaces))
	}
	slices.Sort(list)
	return list
}

// ofTable returns the conditions on the rows of a wide table.
func (p plan) ofTable(t *tables.Table) []string {
	var list []string
	if t.Family != schema.Unlabelled {
		list = append(list, fmt.Sprintf("kind = '%v'", p.Kind))
	}
	return append(append(list, p.ofNames()...), p.ofLabels()...)
}

// ofNarrow returns the conditions on the rows of the narrow table.
func (p plan) ofNarrow() []string {
	list := []string{"metric = " + tables.Literal(string(p.Metric.Name)), fmt.Sprintf("kind = '%v'", p.Kind)}
	if p.InRegistry() {
		list = append(list, map[bool]string{true: "labels = ''", false: "labels != ''"}[p.Metric.Family == schema.Unlabelled])
	}
	return append(append(list, p.ofNames()...), p.ofLabels()...)
}

// ofLabels returns the conditions on the resource labels.
func (p plan) ofLabels() []string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(p.Labels)) {
		list = append(list, rows.Matching("concat(',', labels, ',')", []string{"*," + key + ":" + p.Labels[key] + ",*"}))
	}
	return list
}

// within returns the conditions that a row's time is in the span, and that the row is
// not of a batch that is being written.
func within(s query.Span) []string {
	return []string{fmt.Sprintf("ts >= %d", s.From), fmt.Sprintf("ts < %d", s.To), rows.Committed}
}

// where returns the WHERE of conditions that all must hold.
func where(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(conditions, " AND ")
}

// named returns the columns of the series' names, made of the table's columns.
func (p plan) named() []string {
	var list []string
	for _, name := range p.Series() {
		if p.InRegistry() && slices.Contains(p.Metric.Family.LabelKeys(), name) {
			name = "ifNull(" + tables.LabelValue(p.Metric.Family, name) + ", '') AS " + name
		}
		list = append(list, name)
	}
	return list
}

func column(name string) string { return query.Column(name, tables.Quote) }

func columns(names []string) []string { return query.Columns(names, tables.Quote) }

// keys returns the columns of groups, joined by commas.
func (p plan) keys() string { return strings.Join(columns(p.Groups()), ", ") }

// list joins columns by commas.
func list(columns ...[]string) string { return strings.Join(slices.Concat(columns...), ", ") }
