// Package export writes an archive's samples in the formats of other programs,
// in constant memory.
package export

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"heapstash/archive"
)

// Format is the name of a format in flags.
type Format string

// The formats.
const (
	CSV         Format = "csv"
	JSON        Format = "json" // an object on each line
	OpenMetrics Format = "openmetrics"
	Influx      Format = "influx"  // InfluxDB's line protocol, as Heapster's sink writes it
	Parquet     Format = "parquet" // a directory of files: see [WriteParquet]
)

// Formats returns the names of the formats.
func Formats() []string { return append(TextFormats(), string(Parquet)) }

// TextFormats returns the names of the formats that [Write] writes.
func TextFormats() []string {
	return []string{string(CSV), string(JSON), string(OpenMetrics), string(Influx)}
}

// ParseFormat returns the format with the name. Its error lists the formats.
func ParseFormat(text string) (Format, error) {
	if !slices.Contains(Formats(), text) {
		return "", fmt.Errorf("no format %q: use one of %s", text, strings.Join(Formats(), ", "))
	}
	return Format(text), nil
}

// Options are the options of the formats.
type Options struct {
	// Database is the database that Influx's lines name for `influx -import`.
	Database string
	// Step, if not nil, is called with the progress: OpenMetrics calls it for each
	// family, other formats for each entity.
	Step func(step string, done, of int)
}

// Result counts the written samples.
type Result struct {
	Samples int64 // or rows of rollups
	// Omitted is the number of samples that the format cannot express: in Influx,
	// infinite values, and fractions of integer metrics.
	Omitted int64
}

// Write writes the selected samples in a text format. It makes many small writes: w should
// have a buffer. It does not wrap the errors of w.
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
	// series is called before the samples of the series, which is valid until the next.
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

// linePrefixes has the beginnings of a series' lines, by column: empty if not built yet.
type linePrefixes [][]byte

// reset empties the prefixes and makes room for the columns.
func (p *linePrefixes) reset(columns int) {
	for len(*p) < columns {
		*p = append(*p, nil)
	}
	for i := range *p {
		(*p)[i] = (*p)[i][:0]
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
