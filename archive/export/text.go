package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"math"
	"slices"
	"strconv"

	"heapstash/archive"
	"heapstash/schema"
)

// seriesColumns are the columns before the time. CSV and JSON have the rows of the
// archive's views samples, samples_hourly and samples_daily.
var seriesColumns = []string{"cluster", "kind", "namespace", "pod", "container", "node", "labels", "metric"}

// valueColumns returns the columns after the time.
func valueColumns(level archive.Level) []string {
	if level == archive.Raw {
		return []string{"value"}
	}
	var columns []string
	for _, statistic := range archive.Statistics() {
		columns = append(columns, string(statistic))
	}
	return columns
}

// lineFormat is a format with a line for each row.
type lineFormat interface {
	// head returns the text before all lines.
	head(values []string) []byte
	// begin appends the text before the time. Missing names are empty.
	begin(line []byte, names []string) []byte
	// time appends the time, value appends a value or that it is missing, and end
	// appends the text after the last value.
	time(line []byte, at, time string) []byte
	value(line []byte, name string, v schema.Value, known bool) []byte
	end(line []byte) []byte
}

// writeText writes a format whose rows may have any order.
func writeText(ctx context.Context, w io.Writer, from archive.Samples, selection archive.Selection, format lineFormat, opts Options) (Result, error) {
	t := &textLines{w: w, format: format, values: valueColumns(selection.Level)}
	if _, err := w.Write(format.head(t.values)); err != nil {
		return t.result, err
	}
	err := writeLines(ctx, t, from, selection, opts)
	return t.result, err
}

// textLines implements [lineWriter].
type textLines struct {
	w        io.Writer
	format   lineFormat
	values   []string // columns after the time
	result   Result
	current  *archive.Series
	prefixes linePrefixes
	line     []byte

	at       schema.Instant // of the texts below
	ts, time string
}

// series implements [lineWriter].
func (t *textLines) series(s *archive.Series) {
	t.current = s
	t.prefixes.reset(len(s.Columns))
}

// begin begins a line with its prefix and the time.
func (t *textLines) begin(column int, at schema.Instant) {
	prefix := &t.prefixes[column]
	if len(*prefix) == 0 {
		e := t.current.Entity
		*prefix = t.format.begin(*prefix, []string{
			t.current.Cluster, e.Kind.String(), e.Namespace, e.Pod, e.Container, e.Node, e.Labels, string(t.current.Columns[column].Metric),
		})
	}
	if at != t.at || t.ts == "" {
		t.at, t.ts, t.time = at, strconv.FormatInt(int64(at), 10), at.Time().Format("2006-01-02T15:04:05Z")
	}
	t.line = append(t.line[:0], *prefix...)
	t.line = t.format.time(t.line, t.ts, t.time)
}

// end writes the line.
func (t *textLines) end() error {
	t.line = t.format.end(t.line)
	t.result.Samples++
	_, err := t.w.Write(t.line)
	return err
}

// sample implements [lineWriter].
func (t *textLines) sample(s archive.Sample) error {
	t.begin(s.Column, s.At)
	t.line = t.format.value(t.line, t.values[0], s.Value, true)
	return t.end()
}

// rollup implements [lineWriter].
func (t *textLines) rollup(r *rollup) error {
	t.begin(r.column, r.at)
	for i, name := range t.values {
		t.line = t.format.value(t.line, name, r.values[i], r.has[i])
	}
	return t.end()
}

// csvLines is CSV as in RFC 4180, with line feeds.
type csvLines struct{}

func (csvLines) head(values []string) []byte {
	return append(csvFields(append(append(slices.Clone(seriesColumns), "ts", "time"), values...)), '\n')
}

func (csvLines) begin(line []byte, names []string) []byte {
	return append(append(line, csvFields(names)...), ',')
}

// csvFields returns the fields, quoted and joined by commas.
func csvFields(fields []string) []byte {
	var quoted bytes.Buffer
	w := csv.NewWriter(&quoted)
	_ = w.Write(fields) // a buffer returns no error
	w.Flush()
	return bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))
}

func (csvLines) time(line []byte, at, time string) []byte {
	line = append(append(line, at...), ',')
	return append(line, time...)
}

func (csvLines) value(line []byte, _ string, v schema.Value, known bool) []byte {
	if line = append(line, ','); known {
		line = appendValue(line, v)
	}
	return line
}

func (csvLines) end(line []byte) []byte { return append(line, '\n') }

// jsonLines is a JSON object on each line.
type jsonLines struct{}

func (jsonLines) head([]string) []byte { return nil }

func (jsonLines) begin(line []byte, names []string) []byte {
	for i, name := range names {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		line = append(append(line, separator, '"'), seriesColumns[i]...)
		line = append(line, '"', ':')
		if name == "" {
			line = append(line, "null"...)
		} else {
			line = append(line, schema.JSONText(name)...)
		}
	}
	return line
}

func (jsonLines) time(line []byte, at, time string) []byte {
	line = append(append(line, `,"ts":`...), at...)
	line = append(append(line, `,"time":"`...), time...)
	return append(line, '"')
}

func (jsonLines) value(line []byte, name string, v schema.Value, known bool) []byte {
	line = append(append(append(line, ',', '"'), name...), '"', ':')
	switch {
	case !known:
		return append(line, "null"...)
	case math.IsInf(v.Float64(), 1): // JSON has no infinity: this number overflows to it
		return append(line, "9e999"...)
	case math.IsInf(v.Float64(), -1):
		return append(line, "-9e999"...)
	default:
		return appendValue(line, v)
	}
}

func (jsonLines) end(line []byte) []byte { return append(line, '}', '\n') }

// appendValue appends a value as SQLite spells it.
func appendValue(line []byte, v schema.Value) []byte {
	if i, ok := v.Int64(); ok {
		return strconv.AppendInt(line, i, 10)
	}
	return append(line, v.String()...)
}
