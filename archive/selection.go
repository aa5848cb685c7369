package archive

import (
	"heapstash/schema"
)

// Selection says which samples are read. The zero Selection is all raw ones.
type Selection struct {
	// Level is [Raw] if it is empty. Of an hour or a day, the time is when it
	// begins.
	Level Level
	// Window is of Heapster's clock.
	Window schema.Window
	// Entity and Metric say what is wanted; nil wants everything.
	Entity func(cluster string, e schema.Entity) bool
	Metric func(schema.MetricName) bool
	// Identities asks for [Subject.Identities].
	Identities bool
	// Step is told how far a reading has come, if it is set.
	Step func(done, of int)
}

// Column is one number that there is of a metric at a time: the sample, which
// has no statistic, or what samples come to in an hour or a day.
type Column struct {
	Metric    schema.MetricName
	Statistic Statistic
}

// Statistic is a column of the views samples_hourly and samples_daily.
type Statistic string

// The statistics. A gauge has the first ones, a counter [Count], [Increase] and
// [Last], and a metric of which nobody knows which it is all of them.
const (
	Count    Statistic = "samples"
	Min      Statistic = "min"
	Avg      Statistic = "avg"
	Max      Statistic = "max"
	Sum      Statistic = "sum"
	Increase Statistic = "increase"
	Last     Statistic = "last"
)

// Statistics returns every statistic, in the order of the views' columns.
func Statistics() []Statistic { return []Statistic{Count, Min, Avg, Max, Sum, Increase, Last} }

// Subject is what samples are of: an entity, with the columns that one of the
// archive's tables has of it. Those of a metric stand together, in the order of
// [Statistics].
type Subject struct {
	Cluster string
	Entity  schema.Entity
	Columns []Column
	// Identities are the incarnations of the entity's pod, in order of time,
	// if the [Selection] asks for them.
	Identities []Incarnation
}

// Incarnation is one of the pods that had a name, From until To, both included;
// To is none of the one that has it still.
type Incarnation struct {
	schema.Window
	UID    string
	Node   string // nodename; empty where it is not known
	Labels string // of the pod: key:value, joined by commas
	Images string // container=image, joined by commas
}

// SampleVisitor is told of samples, subject after subject. An error ends the
// reading, which returns it.
type SampleVisitor interface {
	// Subject begins a subject, which has a sample at least. It belongs to the
	// reader, which writes over it at the next one.
	Subject(s *Subject) error
	// Sample is a value of the column with that index among the subject's.
	// Those of a metric at a time come one after the other.
	Sample(column int, at schema.Instant, v schema.Value) error
}
