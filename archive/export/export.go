// Package export writes an archive's samples in the formats of other programs,
// in constant memory.
package export

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"heapstash/archive"
)

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
	// Database is named in the head of Influx's lines, for `influx -import`.
	Database string
	// Step, if not nil, is called before each metric, by a format that writes one
	// metric after the other, and for the entities by other formats.
	Step func(what string, done, of int)
}

// Result is what was written.
type Result struct {
	Samples int64 // or rows of rollups
	// Omitted is the number of samples that the format cannot express. In Influx
	// these are infinite values, and fractions of metrics that are integers.
	Omitted int64
}

// Write writes the selected samples. It makes many small writes: w should have a
// buffer. It returns errors of w as they are.
func Write(ctx context.Context, w io.Writer, from archive.Samples, selection archive.Selection, format Format, opts Options) (Result, error) {
	selection.Level = cmp.Or(selection.Level, archive.Raw)
	switch format {
	case CSV:
		return writeText(ctx, w, from, selection, csvLines{}, opts)
	case JSON:
		return writeText(ctx, w, from, selection, jsonLines{}, opts)
	case OpenMetrics:
		return writeOpenMetrics(ctx, w, from, selection, opts)
	default:
		return writeInflux(ctx, w, from, selection, opts)
	}
}

// lineWriter writes a line for each sample or rollup.
type lineWriter interface {
	// series comes before its samples. It is valid until the next one.
	series(*archive.Series)
	sample(archive.Sample) error
	rollup(*rollup) error
}

// writeLines writes the selected samples to w.
func writeLines(ctx context.Context, w lineWriter, from archive.Samples, selection archive.Selection, opts Options) error {
	for s, err := range from.Series(ctx, selection) {
		if err != nil {
			return err
		}
		if opts.Step != nil {
			opts.Step("entities", s.Done, s.Of)
		}
		w.series(s)
		if selection.Level != archive.Raw {
			for r := range rollups(s) {
				if err := w.rollup(r); err != nil {
					return err
				}
			}
			continue
		}
		for sample := range s.Samples {
			if err := w.sample(sample); err != nil {
				return err
			}
		}
	}
	return nil
}

// beginnings are the beginnings of the lines of a series, by column.
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
