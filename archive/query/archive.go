package query

import (
	"context"

	"heapstash/schema"
)

// Archive answers questions. Every engine has one. Several goroutines may use it
// at the same time, while passes write.
//
// Times are Unix seconds on Heapster's clock. Ranges include their begin and not
// their end. Every method returns an error soon after ctx is done. Errors of the
// archive name it, and may have a hint ([schema.HintOf]).
type Archive interface {
	// Carriers returns the kinds that have samples of a metric which is not in
	// the registry; none if the archive does not know it.
	Carriers(ctx context.Context, m schema.MetricName) ([]schema.Kind, error)
	// MetricNames returns the names of all metrics that the archive knows, sorted.
	MetricNames(ctx context.Context) ([]string, error)
	// Names returns the names that entities have in the columns: cluster, kind,
	// namespace, pod, container, node and labels, and of pods and their containers also
	// owner and pod_labels. A name that does not apply is empty; rows without any
	// name are left out. Rows are sorted and differ from each other.
	//
	// The entities are those that pass the query's filters of names and labels, and
	// are of its kind unless that is zero. Nothing else of the query is read. A pod
	// has the nodes, owners and labels of all its incarnations, in a row each.
	Names(ctx context.Context, q Query, columns ...string) ([][]string, error)
	// Coverage returns what the archive has for the query, read from one state of
	// the archive. The query has passed [Query.Check].
	Coverage(ctx context.Context, q Query) (Coverage, error)
	// Answer calls visit for each row of the plan's answer, all of them read from
	// one state of the archive. With a step and without [Query.Top], rows come in
	// the order of their names and then of time. With both, groups come by rank. Without
	// a step, rows come by the first aggregate, the greatest first.
	//
	// An error of visit ends the answer, and is returned as it is.
	Answer(ctx context.Context, p Plan, visit func(Row) error) error
	// Explain returns the statement that Answer runs, its values in place and
	// without a semicolon at its end. The engine's own shell gives the same rows.
	Explain(p Plan) string
}

// Row is a row of an answer. It belongs to the caller.
type Row struct {
	Names  []string       // for each of [Query.Groups]; empty where there is none
	At     schema.Instant // when the step begins; zero without steps
	Values []any          // nil, int64 or float64 for each aggregate
}

// Ask makes the query's plan from what the archive has.
func Ask(ctx context.Context, a Archive, q Query) (Plan, Coverage, error) {
	c, err := a.Coverage(ctx, q)
	if err != nil {
		return Plan{}, c, err
	}
	p, err := q.Plan(c)
	return p, c, err
}
