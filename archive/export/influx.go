package export

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// heapsterTypes has the values of Heapster's label type (metrics/core/labels.go).
var heapsterTypes = map[schema.Kind]string{
	schema.Cluster: "cluster", schema.Node: "node", schema.Namespace: "ns", schema.Pod: "pod",
	schema.Container: "pod_container", schema.SystemContainer: "sys_container",
}

// influxHead names the database for `influx -import`. The server ignores it as comments.
const influxHead = "# DML\n# CONTEXT-DATABASE: %s\n"

// writeInflux writes InfluxDB's line protocol in the schema of Heapster's own sink
// (metrics/sinks/influxdb/influxdb.go, without its option withfields): a metric is a
// measurement with the field value. Tags are Heapster's labels, except its IDs and the
// labels of the host.
func writeInflux(ctx context.Context, w io.Writer, from archive.Samples, selection archive.Selection, opts Options) (Result, error) {
	l := &influxLines{w: w, length: selection.Level.Length()}
	if _, err := fmt.Fprintf(w, influxHead, opts.Database); err != nil {
		return l.result, err
	}
	selection.Incarnations = true
	err := writeLines(ctx, l, from, selection, opts)
	return l.result, err
}

// isInteger reports whether the sample lines of the metric have integers, as in
// Heapster's sink: a field of InfluxDB has one type. Metrics outside the registry may
// have both types, so their field is a float.
func isInteger(name schema.MetricName) bool {
	m, known := schema.Lookup(name)
	return known && !m.IsFloat()
}

// influxLines implements [lineWriter].
type influxLines struct {
	w      io.Writer
	length time.Duration // of a value's period
	result Result

	current  *archive.Series
	integer  []bool       // of its columns
	prefixes linePrefixes // by column
	pod      int          // index of the prefixes' incarnation, -1 for none
	line     []byte
}

// series implements [lineWriter].
func (l *influxLines) series(s *archive.Series) {
	l.current, l.pod = s, -1
	l.prefixes.reset(len(s.Columns))
	l.integer = l.integer[:0]
	for _, c := range s.Columns {
		l.integer = append(l.integer, isInteger(c.Metric))
	}
}

// sample implements [lineWriter].
func (l *influxLines) sample(s archive.Sample) error {
	i, isInt := s.Value.Int64()
	if math.IsInf(s.Value.Float64(), 0) || l.integer[s.Column] && !isInt {
		l.result.Omitted++
		return nil
	}
	l.start(s.Column, s.At)
	l.line = append(append(l.line, valueField...), '=')
	if l.integer[s.Column] {
		l.line = append(strconv.AppendInt(l.line, i, 10), 'i')
	} else {
		l.line = strconv.AppendFloat(l.line, s.Value.Float64(), 'g', -1, 64)
	}
	return l.end(s.At)
}

// rollup implements [lineWriter]. The field value, for dashboards, is a gauge's average
// or a counter's last value. All fields except samples are floats, because a sum may be
// an integer in one line and a float in another.
func (l *influxLines) rollup(r *rollup) error {
	for i, v := range r.values {
		if r.has[i] && math.IsInf(v.Float64(), 0) {
			l.result.Omitted++
			return nil
		}
	}
	l.start(r.column, r.at)
	first := true
	add := func(name string, i int) {
		if !r.has[i] {
			return
		}
		if !first {
			l.line = append(l.line, ',')
		}
		first = false
		l.line = append(append(l.line, name...), '=')
		if n, ok := r.values[i].Int64(); ok && name == string(archive.Count) {
			l.line = append(strconv.AppendInt(l.line, n, 10), 'i')
		} else {
			l.line = strconv.AppendFloat(l.line, r.values[i].Float64(), 'g', -1, 64)
		}
	}
	for i, statistic := range archive.Statistics() {
		add(string(statistic), i)
	}
	value := slices.Index(archive.Statistics(), archive.Avg)
	if !r.has[value] {
		value = slices.Index(archive.Statistics(), archive.Last)
	}
	add(valueField, value)
	return l.end(r.at)
}

const valueField = "value" // the field of Heapster's sink

// start begins a line with its prefix.
func (l *influxLines) start(column int, at schema.Instant) {
	if pod := l.incarnation(at); pod != l.pod {
		l.pod = pod
		l.prefixes.reset(len(l.current.Columns))
	}
	prefix := &l.prefixes[column]
	if len(*prefix) == 0 {
		*prefix = l.begin(*prefix, l.current.Columns[column].Metric)
	}
	l.line = append(l.line[:0], *prefix...)
}

// end appends the time in nanoseconds, InfluxDB's default, and writes the line.
func (l *influxLines) end(at schema.Instant) error {
	l.line = strconv.AppendInt(append(l.line, ' '), int64(at), 10)
	l.line = append(l.line, "000000000\n"...)
	l.result.Samples++
	_, err := l.w.Write(l.line)
	return err
}

// incarnation returns the index of the pod's first incarnation in the period that
// begins at that time, -1 if it is not known.
func (l *influxLines) incarnation(at schema.Instant) int {
	for i := range l.current.Incarnations {
		if one := &l.current.Incarnations[i]; one.From < at.Add(l.length) && (one.To == 0 || at <= one.To) {
			return i
		}
	}
	return -1
}

// begin appends the measurement and its tags to a line.
func (l *influxLines) begin(line []byte, m schema.MetricName) []byte {
	// A backslash at the end of a name would escape the next character, and InfluxDB
	// has no other spelling. It has no empty tags either.
	line = append(line, escapeMeasurement(strings.TrimRight(string(m), `\`))...)
	for _, tag := range l.tags() {
		if value := strings.TrimRight(tag[1], `\`); value != "" {
			line = append(append(line, ','), escapeTag(tag[0])...)
			line = append(append(line, '='), escapeTag(value)...)
		}
	}
	return append(line, ' ')
}

var (
	escapeMeasurement = strings.NewReplacer(",", `\,`, " ", `\ `, "\n", `\n`).Replace
	escapeTag         = strings.NewReplacer(",", `\,`, " ", `\ `, "=", `\=`, "\n", `\n`).Replace
)

// tags returns the labels that Heapster's sink writes, in the order of their keys.
func (l *influxLines) tags() [][2]string {
	e := l.current.Entity
	tags := [][2]string{
		{"cluster_name", l.current.Cluster}, {"type", heapsterTypes[e.Kind]},
		{"namespace_name", e.Namespace}, {"pod_name", e.Pod}, {"container_name", e.Container}, {"nodename", e.Node},
	}
	if l.pod >= 0 {
		pod := l.current.Incarnations[l.pod]
		tags = append(tags, [2]string{"nodename", pod.Node}, [2]string{"labels", pod.Labels},
			[2]string{"container_base_image", imageOf(pod.Images, e.Container)})
	}
	tags = append(tags, labelPairs(e.Labels)...)
	slices.SortStableFunc(tags, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return tags
}

// imageOf returns a container's image from pairs container=image, joined by commas.
func imageOf(images, container string) string {
	for pair := range strings.SplitSeq(images, ",") {
		if name, image, _ := strings.Cut(pair, "="); name == container && container != "" {
			return image
		}
	}
	return ""
}
