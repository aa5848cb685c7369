package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"strconv"

	"heapstash/archive"
	"heapstash/schema"
)

// columns are those of the archive's view samples, whose rows CSV and JSON
// have.
var columns = []string{"cluster", "kind", "namespace", "pod", "container", "node", "labels", "metric", "ts", "time", "value"}

// lines is a format with a line a sample.
type lines interface {
	// head is what stands before all lines.
	head() []byte
	// begin appends what stands before the time. Names that do not apply are
	// empty.
	begin(line []byte, names []string) []byte
	// end appends the rest.
	end(line []byte, at, time string, v schema.Value) []byte
}

// writeText writes a format that has samples in no order of its own.
func writeText(w io.Writer, from Source, format lines) (Result, error) {
	t := &text{w: w, format: format}
	if _, err := w.Write(format.head()); err != nil {
		return t.result, err
	}
	return t.result, from.Each(t)
}

type text struct {
	w       io.Writer
	format  lines
	result  Result
	subject *archive.Subject
	begun   beginnings
	line    []byte

	at          schema.Instant // of which the texts are
	stamp, time string
}

// Subject implements [archive.SampleVisitor].
func (t *text) Subject(s *archive.Subject) error {
	t.subject = s
	t.begun.reset(len(s.Metrics))
	return nil
}

// Sample implements [archive.SampleVisitor].
func (t *text) Sample(metric int, at schema.Instant, v schema.Value) error {
	begin := &t.begun.lines[metric]
	if len(*begin) == 0 {
		e := t.subject.Entity
		*begin = t.format.begin(*begin, []string{
			t.subject.Cluster, e.Kind.String(), e.Namespace, e.Pod, e.Container, e.Node, e.Labels, string(t.subject.Metrics[metric]),
		})
	}
	if at != t.at || t.stamp == "" {
		t.at, t.stamp, t.time = at, strconv.FormatInt(int64(at), 10), at.Time().Format("2006-01-02T15:04:05Z")
	}
	t.line = append(t.line[:0], *begin...)
	t.line = t.format.end(t.line, t.stamp, t.time, v)
	t.result.Samples++
	_, err := t.w.Write(t.line)
	return err
}

// csvLines is CSV as RFC 4180 has it, with line feeds alone.
type csvLines struct{}

func (csvLines) head() []byte { return append(csvFields(columns), '\n') }

func (csvLines) begin(line []byte, names []string) []byte {
	return append(append(line, csvFields(names)...), ',')
}

func csvFields(fields []string) []byte {
	var quoted bytes.Buffer
	w := csv.NewWriter(&quoted)
	_ = w.Write(fields) // a buffer takes everything
	w.Flush()
	return bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))
}

func (csvLines) end(line []byte, at, time string, v schema.Value) []byte {
	line = append(append(line, at...), ',')
	line = append(append(line, time...), ',')
	return append(appendValue(line, v), '\n')
}

// jsonLines is an object a line.
type jsonLines struct{}

func (jsonLines) head() []byte { return nil }

func (jsonLines) begin(line []byte, names []string) []byte {
	for i, name := range names {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		line = append(append(line, separator, '"'), columns[i]...)
		line = append(line, '"', ':')
		if name == "" {
			line = append(line, "null"...)
		} else {
			line = append(line, jsonText(name)...)
		}
	}
	return line
}

// jsonText quotes a text, and leaves < > & as they are.
func jsonText(s string) []byte {
	var quoted bytes.Buffer
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))
}

func (jsonLines) end(line []byte, at, time string, v schema.Value) []byte {
	line = append(append(line, `,"ts":`...), at...)
	line = append(append(line, `,"time":"`...), time...)
	line = append(line, `","value":`...)
	if math.IsInf(v.Float64(), 0) {
		// JSON has no infinity; this number reads back as one.
		return append(line, map[bool]string{true: "9e999}\n", false: "-9e999}\n"}[v.Float64() > 0]...)
	}
	return append(appendValue(line, v), '}', '\n')
}

// appendValue spells a value as SQLite does.
func appendValue(line []byte, v schema.Value) []byte {
	if i, ok := v.Int64(); ok {
		return strconv.AppendInt(line, i, 10)
	}
	return append(line, v.String()...)
}
