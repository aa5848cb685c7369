// Package query turns a question about one metric into SQL over an archive's
// public views: which view and column the metric is in, which rows of which
// level answer it, and what is computed of them.
//
// It does no input or output. Identifiers come from schema's registry alone;
// whatever comes from outside is a parameter of the statement. Every type is a
// plain value, safe to copy.
package query

import (
	"slices"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// Query asks for one metric of one kind of thing.
type Query struct {
	// Metric is the registry's entry; of a metric that is not there, such as a
	// custom one, it has the name alone.
	Metric schema.Metric
	Kind   schema.Kind

	// Globs of names, any of which may match; none for every name. See
	// [Query.Check] for those that the kind has.
	Clusters, Namespaces, Pods, Containers, Nodes []string
	// ExcludeNamespaces are globs of namespaces, of which nothing is wanted.
	ExcludeNamespaces []string
	// Labels of a labelled family's series, by key; their values are globs.
	Labels map[string]string

	// By are the words by which series are put together: columns, and for pods and
	// containers also node, owner and label:KEY, which their pods have. None is for
	// each series by itself. Clusters are never put together.
	By []string
	// Aggs are what to compute, the first of them being what Top ranks by.
	Aggs []Agg

	// From and To are the range of time, From included and To not.
	From, To schema.Instant
	// Step divides it, see [StepBegin]. Zero for one row a group.
	Step time.Duration
	// Top is how many groups are wanted, those with the greatest first
	// aggregate over the whole range; zero for all.
	Top int
	// Level is what to read; Auto for the coarsest that has the answer.
	Level archive.Level
}

// Error is a question that has no answer as it is, and how to ask instead.
type Error struct {
	text, hint string
}

func (e *Error) Error() string { return e.text }

// Hint says what to do next; it may be empty.
func (e *Error) Hint() string { return e.hint }

// long reports whether the metric has no column of its own in the kind's view,
// and is found in the views of samples.
func (q Query) long() bool {
	return q.Metric.Type == "" || !q.Metric.On(q.Kind)
}

// View is the raw view that has the metric.
func (q Query) View() string {
	switch {
	case q.long():
		return "samples"
	case q.Metric.Family != schema.Unlabelled:
		return string(q.Metric.Family)
	default:
		return q.Kind.String()
	}
}

// Table is the archive's own name of the tables behind the view.
func (q Query) Table() string {
	if q.long() {
		return "narrow"
	}
	return q.View()
}

// KindColumns are the columns that name a thing of the kind, without those of
// the cluster and of labels.
func KindColumns(k schema.Kind) []string {
	switch k {
	case schema.Node:
		return []string{"node"}
	case schema.Namespace:
		return []string{"namespace"}
	case schema.Pod:
		return []string{"namespace", "pod"}
	case schema.Container:
		return []string{"namespace", "pod", "container"}
	case schema.SystemContainer:
		return []string{"node", "container"}
	default:
		return nil
	}
}

// series are the columns that tell the metric's series apart.
func (q Query) series() []string {
	columns := append([]string{"cluster"}, KindColumns(q.Kind)...)
	if q.long() {
		return append(columns, "labels")
	}
	return append(columns, q.Metric.Family.LabelKeys()...)
}

// Groups are the columns of names that an answer has: of the series, or those
// that By says, which the cluster and, for a pod or an owner, its namespace
// belong to.
func (q Query) Groups() []string {
	if len(q.By) == 0 {
		return q.series()
	}
	columns := slices.DeleteFunc(q.series(), func(column string) bool {
		implied := column == "cluster" || column == "namespace" && (slices.Contains(q.By, "pod") || slices.Contains(q.By, "owner"))
		return !implied && !slices.Contains(q.By, column)
	})
	return append(columns, q.identity()...)
}

// single reports whether each group is of one series.
func (q Query) single() bool {
	groups := q.Groups()
	return !slices.ContainsFunc(q.series(), func(column string) bool { return !slices.Contains(groups, column) })
}

// counter reports whether the metric is known to be one.
func (q Query) counter() bool { return q.Metric.Type == schema.Cumulative }

// addsUp reports whether the metric of several things together is the sum of
// theirs. Shares and ages do not add up.
func (q Query) addsUp() bool {
	switch q.Metric.Unit {
	case schema.Percent, schema.Ratio:
		return false
	default:
		return q.Metric.Name != "uptime"
	}
}

// summed reports whether groups are sums of several series.
func (q Query) summed() bool { return !q.single() && q.addsUp() }

// seconds is the step.
func (q Query) seconds() int64 { return int64(q.Step / time.Second) }
