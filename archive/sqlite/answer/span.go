package query

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// A rate is growth divided by the time in which it grew, as an average is of the
// moments at which there are samples: a pod that lived for a day of the range is
// not divided by the range. That time is the group's span: from the sample before
// its first growth to its last sample. Of an hour or a day in a rollup, it is all of
// it in which the series was there.

// spanCells are the cells of a span.
var spanCells = []string{"since", "until"}

// absence is for how long, in seconds, a counter that was reset may have had no
// sample and still counts as there: a longer absence is not time in which it grew.
const absence = 2 * 3600

// sinceBefore is when a raw row's growth began.
var sinceBefore = fmt.Sprintf("CASE WHEN before IS NULL OR v < before AND ts - before_ts > %d THEN ts ELSE before_ts END", absence)

// rolledSpan is a cell of the span of a row of a rollup.
func rolledSpan(cell string, level archive.Level) string {
	seconds := int64(level.Length().Seconds())
	if cell == "since" {
		return fmt.Sprintf("iif(first_seen < ts + %d, max(ts, first_seen), ts)", seconds)
	}
	return fmt.Sprintf("iif(last_seen > ts, min(ts + %[1]d, last_seen), ts + %[1]d)", seconds)
}

// needsLives reports whether the statement has the table of lives.
func (p Plan) needsLives() bool {
	return slices.Contains(p.needs(), "since") && slices.ContainsFunc(p.Segments, func(s Segment) bool { return s.Level != archive.Raw })
}

// lives writes the table of when things were there. Its names differ from those
// of the views, so that a condition on those is not ambiguous.
func (p Plan) lives(b *builder) {
	columns := KindColumns(p.Kind)
	b.add("lives AS MATERIALIZED (\n  SELECT cluster AS its_cluster, labels AS its_labels, first_seen, last_seen")
	for _, column := range columns {
		b.add(fmt.Sprintf(", %[1]s AS its_%[1]s", column))
	}
	b.add("\n    FROM entities")
	b.where(append([]condition{{text: fmt.Sprintf("kind = '%v'", p.Kind)}}, p.ofNames("")...))
	b.add("\n)")
}

// lived joins a view of a rollup with when its things were there.
func (p Plan) lived(view string) string {
	text := view + "\n    LEFT JOIN lives ON its_cluster = cluster"
	for _, column := range KindColumns(p.Kind) {
		text += fmt.Sprintf(" AND its_%[1]s = %[1]s", column)
	}
	labels := "NULL"
	switch {
	case p.long():
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

// rate is the rate of cells, or of none, NULL, where they have no span.
func rate(increase, since, until string) string {
	return fmt.Sprintf("1.0 * %s / nullif(%s - %s, 0)", increase, until, since)
}
