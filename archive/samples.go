package archive

import (
	"context"
	"iter"

	"heapstash/schema"
)

// Samples are an archive's samples as they were at one moment. They are read in
// constant memory, by one goroutine at a time.
type Samples interface {
	// Names returns the metrics that the archive knows, sorted. It may have no
	// samples of some of them.
	Names() []schema.MetricName
	// Series yields the selected samples, and at most one error, which ends
	// them. A [Series] has at least one sample, and is valid until the next one.
	// An entity whose metrics are stored apart comes more than once, each time
	// with other columns. The error is ctx's soon after ctx is done.
	Series(ctx context.Context, s Selection) iter.Seq2[*Series, error]
	// Close ends the reading.
	Close() error
}

// Series are the series of an entity whose samples are read together.
type Series struct {
	Cluster string
	Entity  schema.Entity
	// Columns tell the series apart. Those of a metric stand together, in the
	// order of [Statistics].
	Columns []Column
	// Incarnations are those of the entity's pod, in the order of time, if
	// [Selection.Incarnations] asks for them.
	Incarnations []Incarnation
	// Samples yields the samples once. Each column's are in the order of time, and
	// a metric's statistics of one time come one after the other.
	Samples iter.Seq[Sample]
	// Done is the number of entities that were read, this one included, and Of
	// the number of all: they show progress.
	Done, Of int
}

// Column is a metric and, of hours and days, a statistic.
type Column struct {
	Metric    schema.MetricName
	Statistic Statistic
}

// Sample is a value of one of [Series.Columns].
type Sample struct {
	Column int // its index
	At     schema.Instant
	Value  schema.Value
}

// Incarnation is a pod that had the name during the window, which includes both
// ends. To is None for the present one.
type Incarnation struct {
	schema.Window
	UID    string
	Node   string // empty if it is not known
	Labels string // of the pod: key:value, joined by commas
	Images string // container=image, joined by commas
}
