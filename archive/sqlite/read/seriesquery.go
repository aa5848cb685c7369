package read

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// seriesQuery reads some metrics of an entity from the tables that have them: a
// cold and a hot one, or one of rollups.
//
// An entity's cold rows are older than its hot ones. Hot rows lie in the order of
// time: for each moment that there is, the entity is looked up by its key. The
// moments are found by the key as well, from one to the next.
type seriesQuery struct {
	name     string
	entities string // the condition that the tables' entities meet
	columns  []archive.Column
	// statements have the parameters entity_id, from and to, both included. A row has
	// ts and a value for each column. A row of narrow tables has ts, metric_id and a
	// value for each column of the metric.
	statements  []string
	hotEntities string        // the entities for which the second statement has rows
	narrow      map[int64]int // of narrow tables: a metric's first column by its id
	cells       int           // the number of values in a row
}

// moments has every ts of a hot table from ?2 to ?3. NAME stands for the table.
const moments = `WITH RECURSIVE moment (ts) AS (
	SELECT min(ts) FROM NAME WHERE ts >= ?2
	UNION ALL
	SELECT (SELECT min(ts) FROM NAME h WHERE h.ts > moment.ts) FROM moment WHERE moment.ts < ?3
) `

// NAME stands for the table, COLUMNS for the values, ANY for the condition that
// one of them is there, METRICS for the metrics' ids.
const (
	selectWide    = `SELECT s.ts, COLUMNS FROM NAME s WHERE s.entity_id = ?1 AND s.ts BETWEEN ?2 AND ?3 AND ANY ORDER BY s.ts`
	selectWideHot = moments + `SELECT s.ts, COLUMNS FROM moment CROSS JOIN NAME s ON s.ts = moment.ts AND s.entity_id = ?1
		WHERE s.ts <= ?3 AND ANY ORDER BY s.ts`
	selectNarrow = `SELECT s.ts, s.metric_id, COLUMNS FROM NAME s
		WHERE s.entity_id = ?1 AND s.metric_id IN (METRICS) AND s.ts BETWEEN ?2 AND ?3 ORDER BY s.metric_id, s.ts`
	selectNarrowHot = moments + `SELECT s.ts, s.metric_id, COLUMNS FROM moment CROSS JOIN NAME s ON s.ts = moment.ts AND s.entity_id = ?1
		WHERE s.ts <= ?3 AND s.metric_id IN (METRICS) ORDER BY s.metric_id, s.ts`
)

// queries returns a query for each table that may have selected samples.
func (s *Samples) queries(selection archive.Selection) []seriesQuery {
	rollups := s.layout.Rollups()
	var queries []seriesQuery
	for _, t := range s.layout.Tables {
		if q := wideQuery(t, rollups[t.Name], selection); len(q.columns) > 0 {
			queries = append(queries, q)
		}
	}
	if q := s.narrowQuery(rollups[tables.NarrowName], selection); len(q.columns) > 0 {
		queries = append(queries, q)
	}
	return queries
}

// wideQuery is the query of a table with a column for each metric.
func wideQuery(t *tables.Table, r *tables.Rollup, selection archive.Selection) seriesQuery {
	q := seriesQuery{name: t.Name, entities: "WHERE " + strings.ReplaceAll(t.Owners(), "e.", ""), hotEntities: t.HotEntities}
	var shown, there []string
	add := func(m schema.Metric, statistic archive.Statistic, value, present string) {
		q.columns = append(q.columns, archive.Column{Metric: m.Name, Statistic: statistic})
		shown, there = append(shown, value), append(there, present)
	}
	for i, m := range t.Metrics {
		if !selection.MatchesMetric(m.Name) {
			continue
		}
		if selection.Level == archive.Raw {
			value := "s." + m.Column()
			if m.Part != "" { // of a moment at which Heapster had it
				value = fmt.Sprintf("iif(%s IS NULL, NULL, %s)", value, tables.ExactRatio(m))
			}
			add(m, "", value, value+" IS NOT NULL")
			continue
		}
		for _, statistic := range archive.Statistics() {
			value := r.Columns[i].Statistic(statistic)
			if m.Part != "" {
				value = r.ExactRatio(m, statistic)
			}
			if value != "" && selection.MatchesStatistic(statistic) {
				add(m, statistic, value, r.Columns[i].Present())
			}
		}
	}
	q.cells = len(q.columns)
	q.read(selection, r, selectWide, selectWideHot, "COLUMNS", strings.Join(shown, ", "), "ANY", "("+strings.Join(slices.Compact(there), " OR ")+")")
	return q
}

// narrowQuery is the query of the tables with a row for each value.
func (s *Samples) narrowQuery(r *tables.Rollup, selection archive.Selection) seriesQuery {
	q := seriesQuery{name: tables.NarrowName, narrow: make(map[int64]int), hotEntities: tables.HotNarrowEntities}
	shown, statistics := []string{"s.value"}, []archive.Statistic{""}
	if selection.Level != archive.Raw {
		shown, statistics = nil, nil
		for _, statistic := range archive.Statistics() {
			if selection.MatchesStatistic(statistic) {
				shown, statistics = append(shown, r.Columns[0].Statistic(statistic)), append(statistics, statistic)
			}
		}
	}
	var ids []string
	for _, m := range s.metrics {
		if !selection.MatchesMetric(m.name) {
			continue
		}
		q.narrow[m.id] = len(q.columns)
		ids = append(ids, fmt.Sprint(m.id))
		for _, statistic := range statistics {
			q.columns = append(q.columns, archive.Column{Metric: m.name, Statistic: statistic})
		}
	}
	q.cells = len(statistics)
	q.read(selection, r, selectNarrow, selectNarrowHot, "COLUMNS", strings.Join(shown, ", "), "METRICS", strings.Join(ids, ", "))
	return q
}

// read fills in the statements.
func (q *seriesQuery) read(selection archive.Selection, r *tables.Rollup, cold, hot string, words ...string) {
	fill := func(statement, table string) string {
		return strings.NewReplacer(append(words, "NAME", table)...).Replace(statement)
	}
	if selection.Level == archive.Raw {
		q.statements = []string{fill(cold, q.name+"_cold"), fill(hot, q.name+"_hot")}
	} else {
		q.statements = []string{fill(cold, r.Counted(selection.Level))}
	}
}
