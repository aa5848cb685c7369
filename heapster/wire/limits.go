package wire

import (
	"cmp"
	"io"

	"heapstash/schema"
)

// Limits bound what an answer may make the reader read and keep: the server may
// not be a Heapster, or may be broken. More than a limit is a
// [schema.LimitError]. The zero value of a field stands for its default, which
// is several times what a cluster of 10,000 pods and 20,000 containers needs.
type Limits struct {
	// Answer is the longest answer, as it comes and unzipped, except
	// metric-export. Default 16 MB, or 160 bytes for each of Entities if that
	// is more: a list of their keys needs as much.
	Answer schema.Size
	// Export is the longest metric-export. Only one entity of it is in memory
	// at a time: 1,000 pods with 2,000 containers are 7 MB. Default 250 MB.
	Export schema.Size
	// Text is the longest string or number in JSON, as it is spelled there, and
	// so the longest set of a pod's labels. Default 64 kB.
	Text schema.Size
	// Entities is how many elements a list and how many members an object may
	// have, and so the most entities that can be listed. Default 100,000.
	Entities int
	// Metrics is how many metrics an entity may have. Default 1,000.
	Metrics int
}

// The fixed limits.
const (
	// longestName is for the name of an entity, a metric or a set of resource
	// labels.
	longestName schema.Size = 4e3
	// mostPoints is for one series, and for all series of an entity in
	// metric-export together. Heapster shows 180 at its shortest resolution.
	mostPoints = 5000
	// deepest is how deep JSON may be nested. Heapster's is nested 6 deep.
	deepest = 100
)

// WithDefaults replaces zero values.
func (l Limits) WithDefaults() Limits {
	l.Export = cmp.Or(l.Export, 250e6)
	l.Text = cmp.Or(l.Text, 64e3)
	l.Entities = cmp.Or(l.Entities, 100_000)
	l.Metrics = cmp.Or(l.Metrics, 1000)
	return l
}

// IsNegative reports whether a limit is negative.
func (l Limits) IsNegative() bool {
	return min(l.Answer, l.Export, l.Text) < 0 || min(l.Entities, l.Metrics) < 0
}

// checkName refuses a name that is too long.
func checkName(name string) error {
	if schema.Size(len(name)) > longestName {
		return schema.Beyond("", "a name of %v, and %v are allowed", schema.Size(len(name)), longestName)
	}
	return nil
}

// countMetrics counts one metric of an entity, and refuses one too many.
func (l Limits) countMetrics(metrics *int) error {
	if *metrics++; *metrics > l.Metrics {
		return schema.Beyond("limits.metrics", "an entity with more than %d metrics", l.Metrics)
	}
	return nil
}

// countPoints counts one point, and refuses one too many.
func countPoints(points *int) error {
	if *points++; *points > mostPoints {
		return schema.Beyond("", "a series of more than %d points", mostPoints)
	}
	return nil
}

// Length is the longest answer, and the setting that moves it.
type Length struct {
	most    schema.Size
	setting string
}

// AnswerLength is for every page but the ExportPage.
func (l Limits) AnswerLength() Length {
	if l.Answer != 0 {
		return Length{l.Answer, ""}
	}
	return Length{max(16e6, 160*schema.Size(l.Entities)), "limits.entities"}
}

// ExportLength is for the ExportPage.
func (l Limits) ExportLength() Length { return Length{l.Export, "limits.export"} }

// Reader returns a reader of from that fails when more than the length was read.
func (l Length) Reader(from io.Reader) io.Reader { return &bounded{from: from, length: l} }

type bounded struct {
	from   io.Reader
	length Length
	read   schema.Size
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.read += schema.Size(n); b.read > b.length.most {
		return 0, schema.Beyond(b.length.setting, "an answer of more than %v", b.length.most)
	}
	return n, err
}
