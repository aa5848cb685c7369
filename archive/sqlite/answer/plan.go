package answer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"heapstash/archive/query"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// plan is a plan whose parts are written as SQL. Identifiers come from the registry
// alone; all that comes from outside is a parameter.
type plan struct{ query.Plan }

// planOf is a plan with nothing but the query.
func planOf(q query.Query) plan { return plan{query.Plan{Query: q}} }

// view returns the view of raw rows that has the metric. Where the kind has no
// column for it, that is samples.
func (p plan) view() string {
	switch {
	case !p.InRegistry():
		return "samples"
	case p.Metric.Family != schema.Unlabelled:
		return string(p.Metric.Family)
	default:
		return p.Kind.String()
	}
}

// table returns the name of the tables behind the view.
func (p plan) table() string {
	if !p.InRegistry() {
		return tables.NarrowName
	}
	return p.view()
}

// value returns the view's column of the metric.
func (p plan) value() string {
	switch {
	case !p.InRegistry():
		return "value"
	case p.IsRatio():
		return p.ratio()
	default:
		return p.Metric.Column()
	}
}

// rolled returns the column of the view of a rollup.
func (p plan) rolled(what string) string {
	switch {
	case p.InRegistry():
		return p.Metric.Column() + "_" + what
	case what == "count":
		return "samples"
	default:
		return what
	}
}

// entities returns the conditions on the table entity, as e, for the entities
// whose series the query asks for.
func (p plan) entities() []condition {
	list := []condition{{text: fmt.Sprintf("e.kind = '%v'", p.Kind)}}
	switch {
	case !p.InRegistry():
	case p.Metric.Family == schema.Unlabelled:
		list = append(list, condition{text: "e.labels = ''"})
	default:
		list = append(list, condition{text: "e.labels <> ''"})
	}
	list = append(list, p.names("e.")...)
	if p.FiltersNodesOfPods() {
		c := matching("i.node", p.Nodes)
		list = append(list, condition{"EXISTS (SELECT 1 FROM pod_identities i WHERE i.cluster = e.cluster AND i.namespace = e.namespace AND i.pod = e.pod AND " + c.text + ")", c.args})
	}
	return append(list, p.ofLabels()...)
}

// names returns the conditions on the columns of names. The nodes of pods are not
// among them: see [plan.identify].
func (p plan) names(prefix string) []condition {
	var list []condition
	for column, globs := range map[string][]string{
		"cluster": p.Clusters, "namespace": p.Namespaces, "pod": p.Pods, "container": p.Containers, "node": p.Nodes,
	} {
		if len(globs) > 0 && !(column == "node" && p.FiltersNodesOfPods()) {
			list = append(list, matching(prefix+column, globs))
		}
	}
	if len(p.ExcludeNamespaces) > 0 {
		c := matching(prefix+"namespace", p.ExcludeNamespaces)
		list = append(list, condition{"NOT (" + c.text + ")", c.args})
	}
	slices.SortFunc(list, func(a, b condition) int { return strings.Compare(a.text, b.text) })
	return list
}

// ofMetric returns the conditions in a view that is not the kind's own.
func (p plan) ofMetric() []condition {
	var list []condition
	if !p.InRegistry() || p.Metric.Family != schema.Unlabelled {
		list = append(list, condition{text: fmt.Sprintf("kind = '%v'", p.Kind)})
	}
	if !p.InRegistry() {
		list = append(list, condition{"metric = ?", []any{string(p.Metric.Name)}})
	}
	return list
}

// rowsOf returns the conditions on the rows of a view in a span: those of the
// query's filters, the span, and more.
func (p plan) rowsOf(s query.Span, more ...condition) []condition {
	list := append(p.ofMetric(), p.names("")...)
	for _, key := range slices.Sorted(maps.Keys(p.Labels)) {
		list = append(list, matching(key, []string{p.Labels[key]}))
	}
	return append(append(list, within(s)...), more...)
}

// within returns the conditions that a row's time is in the span.
func within(s query.Span) []condition {
	return []condition{{"ts >= ?", []any{int64(s.From)}}, {"ts < ?", []any{int64(s.To)}}}
}

func column(name string) string { return query.Column(name, tables.QuoteName) }

func columns(names []string) []string { return query.Columns(names, tables.QuoteName) }

// keys returns the columns of groups, joined by commas.
func (p plan) keys() string { return strings.Join(columns(p.Groups()), ", ") }
