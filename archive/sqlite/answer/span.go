package answer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/schema"
)

// A rate is growth divided by the group's span, not by the range: a pod that lived
// for a day has the rate of that day. The span goes from the sample before the first
// growth to the last sample. In a rollup it is the part of the hour or day in which
// the entity was there.

// spanCells are the columns of a span.
var spanCells = []string{"since", "until"}

// sinceBefore is when a raw row's growth began, see [query.Absence].
var sinceBefore = fmt.Sprintf("CASE WHEN before IS NULL OR v < before AND ts - before_ts > %d THEN ts ELSE before_ts END", query.Absence/time.Second)

// rolledSpan returns a column of the span of a rollup's row.
func rolledSpan(cell string, level archive.Level) string {
	seconds := int64(level.Length().Seconds())
	if cell == "since" {
		return fmt.Sprintf("iif(first_seen < ts + %d, max(ts, first_seen), ts)", seconds)
	}
	return fmt.Sprintf("iif(last_seen > ts, min(ts + %[1]d, last_seen), ts + %[1]d)", seconds)
}

// needsLives reports whether the statement needs the table lives.
func (p plan) needsLives() bool {
	return p.needsSpan() && slices.ContainsFunc(p.Segments, func(s query.Segment) bool { return s.Level != archive.Raw })
}

// lives adds the table of when entities were there. Its columns are named differently
// from those of the views, so that conditions on those are not ambiguous.
func (p plan) lives(b *builder) {
	columns := p.Kind.NameColumns()
	b.add("lives AS MATERIALIZED (\n  SELECT cluster AS its_cluster, labels AS its_labels, first_seen, last_seen")
	for _, column := range columns {
		b.add(fmt.Sprintf(", %[1]s AS its_%[1]s", column))
	}
	b.add("\n    FROM entities")
	b.where(append([]condition{{text: fmt.Sprintf("kind = '%v'", p.Kind)}}, p.names("")...))
	b.add("\n)")
}

// lived joins a view of a rollup with lives.
func (p plan) lived(view string) string {
	text := view + "\n    LEFT JOIN lives ON its_cluster = cluster"
	for _, column := range p.Kind.NameColumns() {
		text += fmt.Sprintf(" AND its_%[1]s = %[1]s", column)
	}
	labels := "NULL"
	switch {
	case !p.InRegistry():
		labels = "labels"
	case p.Metric.Family != schema.Unlabelled:
		var pairs []string
		for _, key := range p.Metric.Family.LabelKeys() {
			pairs = append(pairs, fmt.Sprintf("'%[1]s:' || %[1]s", key))
		}
		labels = strings.Join(pairs, " || ',' || ")
	}
	return text + " AND its_labels IS " + labels
}

// rate divides an increase by its span. It is NULL where the span is empty.
func rate(increase, since, until string) string {
	return fmt.Sprintf("1.0 * %s / nullif(%s - %s, 0)", increase, until, since)
}
