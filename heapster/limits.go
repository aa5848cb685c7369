package heapster

import (
	"cmp"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"heapstash/schema"
)

// Limits bound what an answer may make heapstash read and keep, since whoever
// answers may be no Heapster, or a broken one. What is beyond one of them is a
// [schema.LimitError] in a [ProtocolError], and is not asked for again. Each
// zero value stands for the default, which is several times what a cluster of
// 10,000 pods and 20,000 containers needs.
type Limits struct {
	// Answer is the longest answer, as it comes and unzipped, but for
	// metric-export. Default 16 MB.
	Answer schema.Size
	// Export is the same for metric-export, of which never more than one
	// entity is in memory here: 1,000 pods with 2,000 containers are 7 MB.
	// Default 250 MB.
	Export schema.Size
	// Text is the longest string or number in JSON, as it is spelled there, and
	// so the longest set of a pod's labels. Default 64 kB.
	Text schema.Size
	// Name is the longest name of an entity, a metric or a set of resource
	// labels. Default 4 kB.
	Name schema.Size
	// Entities is how many elements a list and how many members an object may
	// have, and so the most entities that can be listed. Default 100,000.
	Entities int
	// Metrics is how many metrics an entity may have. Default 1,000.
	Metrics int
	// Points is how many points a series may have, and how many all series of
	// an entity in metric-export may have together. Heapster shows 180 at its
	// shortest resolution. Default 5,000.
	Points int
	// Depth is how deep JSON may be nested. Heapster's is 6. Default 100.
	Depth int
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Answer:   cmp.Or(l.Answer, 16e6),
		Export:   cmp.Or(l.Export, 250e6),
		Text:     cmp.Or(l.Text, 64e3),
		Name:     cmp.Or(l.Name, 4e3),
		Entities: cmp.Or(l.Entities, 100_000),
		Metrics:  cmp.Or(l.Metrics, 1000),
		Points:   cmp.Or(l.Points, 5000),
		Depth:    cmp.Or(l.Depth, 100),
	}
}

// DefaultLimits returns the limits that hold where nothing else is said.
func DefaultLimits() Limits { return Limits{}.withDefaults() }

// isNegative reports a limit that nothing can keep.
func (l Limits) isNegative() bool {
	return min(l.Answer, l.Export, l.Text, l.Name) < 0 || min(l.Entities, l.Metrics, l.Points, l.Depth) < 0
}

// The settings that move the limits.
const (
	answerSetting = "limits.answer"
	exportSetting = "limits.export"
)

func (l Limits) answer() bound { return bound{l.Answer, answerSetting} }
func (l Limits) export() bound { return bound{l.Export, exportSetting} }

// checkName refuses what is too long for a name.
func (l Limits) checkName(name string) error {
	if schema.Size(len(name)) > l.Name {
		return schema.Beyond("limits.name", "a name of %v, and %v are allowed", schema.Size(len(name)), l.Name)
	}
	return nil
}

// countMetrics refuses one metric more than an entity may have.
func (l Limits) countMetrics(metrics *int) error {
	if *metrics++; *metrics > l.Metrics {
		return schema.Beyond("limits.metrics", "an entity with more than %d metrics", l.Metrics)
	}
	return nil
}

// countPoints refuses one point more than there may be.
func (l Limits) countPoints(points *int) error {
	if *points++; *points > l.Points {
		return schema.Beyond("limits.points", "a series of more than %d points", l.Points)
	}
	return nil
}

// bound is the length of an answer and the setting that moves it.
type bound struct {
	size    schema.Size
	setting string
}

// limited ends a stream that is longer than its bound with an error.
type limited struct {
	from  io.Reader
	bound bound
	read  schema.Size
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	if l.read += schema.Size(n); l.read > l.bound.size {
		return 0, schema.Beyond(l.bound.setting, "an answer of more than %v", l.bound.size)
	}
	return n, err
}

// decoder reads JSON within limits.
type decoder struct {
	*jsontext.Decoder
	limits Limits
}

func newDecoder(r io.Reader, limits Limits) *decoder {
	return &decoder{jsontext.NewDecoder(&guard{from: r, limits: limits}), limits}
}
