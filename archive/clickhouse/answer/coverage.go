package answer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"heapstash/archive"
	"heapstash/archive/clickhouse/rows"
	"heapstash/archive/clickhouse/tables"
	"heapstash/archive/query"
	"heapstash/schema"
)

// usualResolution is Heapster's resolution where the archive has one batch only.
const usualResolution = time.Minute

// Coverage returns what the archive has for the query: raw rows. It reads the rows
// after the entities, so that passes may add some in between.
func (a Archive) Coverage(ctx context.Context, q query.Query) (c query.Coverage, err error) {
	p := planOf(q)
	c.Levels = map[archive.Level]query.Span{archive.Raw: {}}
	var known, oldest, newest, before int64
	if err := a.server.One(ctx, p.countEntities(), &known); err != nil {
		return c, err
	}
	c.Entities = int(known)
	if known == 0 {
		return c, nil
	}
	from, of := p.stored()
	err = errors.Join(
		a.server.One(ctx, "SELECT min(ts) FROM "+from+where(append(of, rows.Committed)), &oldest),
		a.server.One(ctx, "SELECT max(ts) FROM "+from+where([]string{rows.Committed}), &newest),
	)
	if err == nil {
		hour := query.Span{From: schema.Instant(newest).Add(-time.Hour), To: schema.Instant(newest)}
		err = a.server.One(ctx, "SELECT max(ts) FROM "+from+where([]string{fmt.Sprintf("ts >= %d AND ts < %d", hour.From, hour.To)}), &before)
	}
	if err != nil {
		return c, err
	}
	resolution := time.Duration(newest-before) * time.Second
	if before == 0 {
		resolution = usualResolution
	}
	span := query.Span{From: schema.Instant(oldest)}
	if newest > 0 {
		span.To = schema.Instant(newest).Add(resolution)
	}
	c.Levels[archive.Raw] = span
	return c, nil
}

// stored returns the table with the query's rows, and the conditions on them. A row that
// another one replaces has the same time, so the table is read without FINAL.
func (p plan) stored() (table string, conditions []string) {
	if t, _ := p.table(); t != nil {
		return t.Rows(), p.ofTable(t)
	}
	return layout.Narrow.Rows(), p.ofNarrow()
}

// countEntities returns the statement for the number of the query's entities.
func (p plan) countEntities() string {
	conditions := []string{fmt.Sprintf("kind = '%v'", p.Kind), tables.Deleted + " = 0"}
	switch {
	case !p.InRegistry():
	case p.Metric.Family == schema.Unlabelled:
		conditions = append(conditions, "labels = ''")
	default:
		conditions = append(conditions, "labels != ''")
	}
	conditions = append(append(conditions, p.ofNames()...), p.ofLabels()...)
	if p.FiltersNodesOfPods() {
		conditions = append(conditions, "(cluster, namespace, pod) GLOBAL IN (SELECT cluster, namespace, pod FROM pod_identities WHERE ifNull(node, '') != '' AND "+
			rows.Matching("ifNull(node, '')", p.Nodes)+")")
	}
	return "SELECT toInt64(count()) FROM " + layout.Entity.Rows() + " FINAL" + where(conditions)
}
