package export

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// heapsterFloats are the metrics that are floats in Heapster and integers in its model
// API (v1.5.4, metrics/core/metrics.go, and additions of later versions). Its sink writes
// them as floats, and a field of InfluxDB has one type.
var heapsterFloats = map[schema.MetricName]bool{
	"memory/page_faults_rate": true, "memory/major_page_faults_rate": true,
	"network/rx_rate": true, "network/rx_errors_rate": true, "network/tx_rate": true, "network/tx_errors_rate": true,
	"cpu/node_capacity": true, "cpu/node_allocatable": true, "cpu/node_utilization": true, "cpu/node_reservation": true,
	"memory/node_capacity": true, "memory/node_allocatable": true, "memory/node_utilization": true, "memory/node_reservation": true,
	"ephemeral_storage/node_capacity": true, "ephemeral_storage/node_allocatable": true,
	"ephemeral_storage/node_utilization": true, "ephemeral_storage/node_reservation": true,
	"disk/io_read_bytes_rate": true, "disk/io_write_bytes_rate": true,
}

// heapsterTypes are the values of Heapster's label type
// (metrics/core/labels.go).
var heapsterTypes = map[schema.Kind]string{
	schema.Cluster: "cluster", schema.Node: "node", schema.Namespace: "ns", schema.Pod: "pod",
	schema.Container: "pod_container", schema.SystemContainer: "sys_container",
}

// influxHead names the database for `influx -import`. The server reads the lines as
// comments.
const influxHead = "# DML\n# CONTEXT-DATABASE: %s\n"

// writeInflux writes InfluxDB's line protocol, in the schema of Heapster's own
// sink (metrics/sinks/influxdb/influxdb.go, without its option withfields): a metric is
// a measurement with the field value. Tags are Heapster's labels, except its IDs and the
// labels of the host.
func writeInflux(w io.Writer, from Source, opts Options) (Result, error) {
	l := &influxLines{w: w, period: 1, floats: make(map[schema.MetricName]bool)}
	if _, err := fmt.Fprintf(w, influxHead, opts.Database); err != nil {
		return l.result, err
	}
	if opts.Level != archive.Raw {
		l.period = map[archive.Level]schema.Instant{archive.Hourly: 3600, archive.Daily: 24 * 3600}[opts.Level]
		err := eachRollup(from, l)
		return l.result, err
	}
	var unsure []schema.MetricName
	for _, m := range from.Wanted() {
		if l.floats[m] = heapsterFloats[m]; !l.floats[m] {
			unsure = append(unsure, m)
		}
	}
	floats, err := from.Floats(unsure)
	if err != nil {
		return l.result, err
	}
	for m := range floats {
		l.floats[m] = true
	}
	return l.result, from.Each(l)
}

type influxLines struct {
	w      io.Writer
	floats map[schema.MetricName]bool // measurements whose values are floats
	period schema.Instant             // seconds that a value covers
	result Result

	subject *archive.Subject
	isFloat []bool // of its columns
	pod     int    // index of the incarnation in begun, -1 for none
	begun   beginnings
	line    []byte
}

// Subject implements [archive.SampleVisitor].
func (l *influxLines) Subject(s *archive.Subject) error {
	l.subject, l.pod = s, -1
	l.begun.reset(len(s.Columns))
	l.isFloat = l.isFloat[:0]
	for _, c := range s.Columns {
		l.isFloat = append(l.isFloat, l.floats[c.Metric])
	}
	return nil
}

// Sample implements [archive.SampleVisitor].
func (l *influxLines) Sample(column int, at schema.Instant, v schema.Value) error {
	if math.IsInf(v.Float64(), 0) {
		l.result.Omitted++
		return nil
	}
	l.start(column, at)
	l.line = append(append(l.line, valueField...), '=')
	if i, ok := v.Int64(); ok && !l.isFloat[column] {
		l.line = append(strconv.AppendInt(l.line, i, 10), 'i')
	} else {
		l.line = strconv.AppendFloat(l.line, v.Float64(), 'g', -1, 64)
	}
	return l.end(at)
}

// rollup implements [rollupVisitor]. The field value is for dashboards: a gauge's average
// or a counter's last value. All fields except samples are floats, because a sum may be
// an integer now and a float later.
func (l *influxLines) rollup(column int, at schema.Instant, r *rollup) error {
	for i, v := range r.values {
		if r.has[i] && math.IsInf(v.Float64(), 0) {
			l.result.Omitted++
			return nil
		}
	}
	l.start(column, at)
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
	return l.end(at)
}

const valueField = "value" // of Heapster's sink

// start begins a line.
func (l *influxLines) start(column int, at schema.Instant) {
	if pod := l.incarnation(at); pod != l.pod {
		l.pod = pod
		l.begun.reset(len(l.subject.Columns))
	}
	begin := &l.begun.lines[column]
	if len(*begin) == 0 {
		*begin = l.begin(*begin, l.subject.Columns[column].Metric)
	}
	l.line = append(l.line[:0], *begin...)
}

// end writes the line, with the time in nanoseconds, InfluxDB's default.
func (l *influxLines) end(at schema.Instant) error {
	l.line = strconv.AppendInt(append(l.line, ' '), int64(at), 10)
	l.line = append(l.line, "000000000\n"...)
	l.result.Samples++
	_, err := l.w.Write(l.line)
	return err
}

// incarnation returns the index of the subject's pod at that time, -1 if it is not known.
// For an hour or a day it is the first pod.
func (l *influxLines) incarnation(at schema.Instant) int {
	for i := range l.subject.Identities {
		if one := &l.subject.Identities[i]; one.From < at+l.period && (one.To == 0 || at <= one.To) {
			return i
		}
	}
	return -1
}

// begin appends the measurement and its tags.
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
	e := l.subject.Entity
	tags := [][2]string{
		{"cluster_name", l.subject.Cluster}, {"type", heapsterTypes[e.Kind]},
		{"namespace_name", e.Namespace}, {"pod_name", e.Pod}, {"container_name", e.Container}, {"nodename", e.Node},
	}
	if l.pod >= 0 {
		pod := l.subject.Identities[l.pod]
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
