// Package export writes an archive's samples in the formats of other programs,
// in constant memory.
package export

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// Source is the samples that are written.
type Source interface {
	// Each reads all samples, one entity after the other.
	Each(archive.SampleVisitor) error
	// EachOf reads the samples of one column, one series after the other, each in
	// order of time.
	EachOf(archive.Column, archive.SampleVisitor) error
	// Columns returns the columns of a metric.
	Columns(schema.MetricName) []archive.Column
	// Names returns all metrics, Wanted the selected metrics.
	Names() []schema.MetricName
	Wanted() []schema.MetricName
	// Floats tells which of the metrics have values that are floats.
	Floats([]schema.MetricName) (map[schema.MetricName]bool, error)
}

// Format is a format's name in flags.
type Format string

// The formats.
const (
	CSV         Format = "csv"
	JSON        Format = "json" // an object a line
	OpenMetrics Format = "openmetrics"
	Influx      Format = "influx" // InfluxDB's line protocol, as Heapster's sink writes it
)

// Formats returns the names of the formats.
func Formats() []string {
	return []string{string(CSV), string(JSON), string(OpenMetrics), string(Influx)}
}

// ParseFormat returns the format with the name. Its error lists the formats.
func ParseFormat(text string) (Format, error) {
	for _, name := range Formats() {
		if name == text {
			return Format(name), nil
		}
	}
	return "", fmt.Errorf("no format %q: use one of %s", text, strings.Join(Formats(), ", "))
}

// Options say how a format is written.
type Options struct {
	// Level is the level of the source; raw if it is empty.
	Level archive.Level
	// Database is named in the head of Influx's lines, for `influx -import`.
	Database string
	// Step, if not nil, is called before each metric, by a format that writes one
	// metric after the other.
	Step func(m schema.MetricName, done, of int)
}

// Result is what was written.
type Result struct {
	Samples int64 // or rows of rollups
	// Omitted is the number of samples that the format cannot express: infinite
	// values in Influx's.
	Omitted int64
}

// Write writes the source's samples. It makes many small writes: w should have a buffer.
func Write(w io.Writer, from Source, format Format, opts Options) (Result, error) {
	opts.Level = cmp.Or(opts.Level, archive.Raw)
	switch format {
	case CSV:
		return writeText(w, from, csvLines{}, opts.Level)
	case JSON:
		return writeText(w, from, jsonLines{}, opts.Level)
	case OpenMetrics:
		return writeOpenMetrics(w, from, opts)
	default:
		return writeInflux(w, from, opts)
	}
}

// beginnings are the beginnings of the lines of a subject, by column.
type beginnings struct {
	lines [][]byte // empty if it is not known yet
}

// reset empties the beginnings and makes room for the columns.
func (b *beginnings) reset(columns int) {
	for len(b.lines) < columns {
		b.lines = append(b.lines, nil)
	}
	for i := range b.lines {
		b.lines[i] = b.lines[i][:0]
	}
}

// labelPairs splits resource labels in Heapster's spelling: key:value, joined by commas.
func labelPairs(labels string) (pairs [][2]string) {
	if labels == "" {
		return nil
	}
	for pair := range strings.SplitSeq(labels, ",") {
		key, value, isPair := strings.Cut(pair, ":")
		if !isPair && len(pairs) > 0 { // a comma within a value
			pairs[len(pairs)-1][1] += "," + pair
			continue
		}
		pairs = append(pairs, [2]string{key, value})
	}
	return pairs
}
