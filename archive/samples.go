package archive

import (
	"context"
	"iter"

	"heapstash/schema"
)

// Samples reads one state of an archive's samples in constant memory. One goroutine at
// a time may use it.
type Samples interface {
	// Names returns the metrics that the archive knows, sorted. Some may have no
	// samples.
	Names() []schema.MetricName
	// Series yields the selected series, and at most one error, as the last item. A
	// [Series] has at least one sample, and is valid until the next one. An entity
	// whose metrics are in several tables is yielded several times, with other
	// columns. Soon after ctx is done, the error is ctx's.
	Series(ctx context.Context, s Selection) iter.Seq2[*Series, error]
	// Close releases the state.
	Close() error
}

// Series are the series of an entity whose samples are read together.
type Series struct {
	Cluster string
	Entity  schema.Entity
	// Columns has one column for each series. The columns of a metric are together, in
	// the order of [Statistics].
	Columns []Column
	// Incarnations are the incarnations of the entity's pod in time order, if
	// [Selection.Incarnations] is set.
	Incarnations []Incarnation
	// Samples yields the samples once. Each column's samples are in time order. A
	// metric's statistics of the same time are together.
	Samples iter.Seq[Sample]
	// Done is the number of entities that were read, with this one. Of is the number
	// of all entities. They show progress.
	Done, Of int
}

// Column is a metric and, for hours and days, a statistic.
type Column struct {
	Metric    schema.MetricName
	Statistic Statistic
}

// Sample is a value of one of [Series.Columns].
type Sample struct {
	Column int // index in Columns
	At     schema.Instant
	Value  schema.Value
}

// Incarnation is a pod that had the name during the window, both ends included. To is
// None for the present pod.
type Incarnation struct {
	schema.Window
	UID    string
	Node   string // empty if it is not known
	Labels string // of the pod: key:value, joined by commas
	Images string // container=image, joined by commas
}
