// Package query turns a question about one metric into a [Plan]: which levels of
// the archive answer which part of the range, and what is computed. An engine,
// the [Archive], answers the plan in its own way.
//
// The package does no input or output. Its types are plain values: copies are safe.
package query

import (
	"slices"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// Query asks for one metric of the entities of one kind.
type Query struct {
	// Metric is the registry's entry. A metric that is not in the registry, such
	// as custom/..., has only its name.
	Metric schema.Metric
	Kind   schema.Kind

	// Filter selects the entities. [Query.Check] says which names the kind has.
	archive.Filter

	// By lists what series are grouped by: columns of names, and for pods and
	// containers also node, owner and label:KEY of the pod. If it is empty, each
	// series is a group. Clusters are never grouped together.
	By []string
	// Aggs are computed for each group. Top ranks by the first one.
	Aggs []Agg

	// The range includes From and not To.
	From, To schema.Instant
	// Step divides the range, see [StepBegin]. Zero makes one row a group.
	Step time.Duration
	// Top is the number of groups, those with the greatest first aggregate over
	// the whole range. Zero means all.
	Top int
	// Level is the level to read. [Auto] takes the coarsest that has the answer.
	Level archive.Level
}

// Error is a question that cannot be answered, with a hint how to ask instead.
type Error struct {
	text, hint string
}

func (e *Error) Error() string { return e.text }

// Hint says what to do next. It may be empty.
func (e *Error) Hint() string { return e.hint }

// LabelPrefix begins the word of By, and the column, for a label of pods.
const LabelPrefix = "label:"

// Column spells a column of groups in SQL, where only the name of a label needs quotes.
func Column(name string, quote func(string) string) string {
	if strings.HasPrefix(name, LabelPrefix) {
		return quote(name)
	}
	return name
}

// Columns does what [Column] does, for several.
func Columns(names []string, quote func(string) string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = Column(name, quote)
	}
	return list
}

// InRegistry reports whether the registry gives the metric to the kind, so that
// the archive has a column for it.
func (q Query) InRegistry() bool { return q.Metric.Type != "" && q.Metric.On(q.Kind) }

// IsRatio reports whether the answer is made of two other metrics:
// [schema.Metric.Part] divided by [schema.Metric.Whole].
//
// Heapster's model API cuts ratios of nodes, such as cpu/node_utilization, to 0
// or 1. The exact ratio follows from two metrics at the same moment. A stored ratio
// that is a float was not cut; it counts where one of the two is missing.
func (q Query) IsRatio() bool { return q.Metric.Part != "" && q.InRegistry() }

// Series returns the columns that tell the metric's series apart.
func (q Query) Series() []string {
	columns := append([]string{"cluster"}, q.Kind.NameColumns()...)
	if !q.InRegistry() {
		return append(columns, "labels")
	}
	return append(columns, q.Metric.Family.LabelKeys()...)
}

// Groups returns the columns of names in an answer: all columns of [Query.Series], or
// the columns that By lists. The cluster is always one of them. A pod and an owner
// bring their namespace.
func (q Query) Groups() []string {
	if len(q.By) == 0 {
		return q.Series()
	}
	columns := slices.DeleteFunc(q.Series(), func(column string) bool {
		implied := column == "cluster" || column == "namespace" && (slices.Contains(q.By, "pod") || slices.Contains(q.By, "owner"))
		return !implied && !slices.Contains(q.By, column)
	})
	return append(columns, q.PodColumns()...)
}

// A pod's samples do not have a node, an owner or labels themselves. The pod's
// incarnation at the sample's time has them. A pod that was deleted and made again on
// another node counts on each node for the time that it was there.

// OfPods reports whether the query is about pods or containers in pods.
func (q Query) OfPods() bool { return q.Kind == schema.Pod || q.Kind == schema.Container }

// PodColumns returns the columns of [Query.Groups] that incarnations of pods have.
func (q Query) PodColumns() []string {
	if !q.OfPods() {
		return nil
	}
	var columns []string
	for _, word := range q.By {
		for _, column := range podColumns(word) {
			if !slices.Contains(columns, column) {
				columns = append(columns, column)
			}
		}
	}
	return columns
}

// podColumns returns the columns of a pod's incarnation that a word of By means.
func podColumns(word string) []string {
	switch {
	case word == "node":
		return []string{"node"}
	case word == "owner":
		return []string{"owner_kind", "owner"}
	case strings.HasPrefix(word, LabelPrefix):
		return []string{word}
	default:
		return nil
	}
}

// FiltersNodesOfPods reports whether Nodes filter by the nodes that pods were on.
func (q Query) FiltersNodesOfPods() bool { return q.OfPods() && len(q.Nodes) > 0 }

// NeedsIncarnations reports whether the answer depends on the incarnations of pods.
func (q Query) NeedsIncarnations() bool { return len(q.PodColumns()) > 0 || q.FiltersNodesOfPods() }

// IsSingle reports whether each group is one series.
func (q Query) IsSingle() bool {
	groups := q.Groups()
	return !slices.ContainsFunc(q.Series(), func(column string) bool { return !slices.Contains(groups, column) })
}

// AddsUp reports whether the metric may be summed over entities. Shares and
// uptimes may not.
func (q Query) AddsUp() bool {
	return q.Metric.Unit != schema.Percent && q.Metric.Unit != schema.Ratio && q.Metric.Name != "uptime"
}

// IsSummed reports whether aggregates are of the sum of a group's series at each
// moment.
func (q Query) IsSummed() bool { return !q.IsSingle() && q.AddsUp() }
