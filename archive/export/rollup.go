package export

import (
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// rollup is the statistics of a metric in an hour or a day, in the order of
// [archive.Statistics].
type rollup struct {
	values [7]schema.Value
	has    [7]bool
}

// rollupVisitor visits rollups, as [archive.SampleVisitor] visits samples. The column is
// the first column of the rollup.
type rollupVisitor interface {
	Subject(*archive.Subject) error
	rollup(column int, at schema.Instant, r *rollup) error
}

// eachRollup reads the selected rollups.
func eachRollup(from Source, v rollupVisitor) error {
	g := &gatherer{to: v}
	if err := from.Each(g); err != nil {
		return err
	}
	return g.flush()
}

// gatherer makes rollups of statistics, which come one after the other.
type gatherer struct {
	to        rollupVisitor
	subject   archive.Subject // a copy: it is flushed when the reader has the next one
	statistic []int           // of each column

	some   bool
	column int
	at     schema.Instant
	now    rollup
}

// Subject implements [archive.SampleVisitor].
func (g *gatherer) Subject(s *archive.Subject) error {
	if err := g.flush(); err != nil {
		return err
	}
	g.subject, g.statistic = *s, g.statistic[:0]
	for _, c := range s.Columns {
		g.statistic = append(g.statistic, slices.Index(archive.Statistics(), c.Statistic))
	}
	return g.to.Subject(&g.subject)
}

// Sample implements [archive.SampleVisitor].
func (g *gatherer) Sample(column int, at schema.Instant, v schema.Value) error {
	if g.some && (at != g.at || g.subject.Columns[column].Metric != g.subject.Columns[g.column].Metric) {
		if err := g.flush(); err != nil {
			return err
		}
	}
	if !g.some {
		g.some, g.column, g.at = true, column, at
	}
	i := g.statistic[column]
	g.now.values[i], g.now.has[i] = v, true
	return nil
}

func (g *gatherer) flush() error {
	if !g.some {
		return nil
	}
	err := g.to.rollup(g.column, g.at, &g.now)
	g.some, g.now = false, rollup{}
	return err
}
