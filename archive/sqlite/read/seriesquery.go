package read

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// seriesQuery reads some metrics of an entity from a cold and a hot table, or from a
// rollup.
//
// An entity's cold rows are older than its hot rows. The hot table is in time order:
// the query goes from each ts to the next by the key, and looks up the entity there.
type seriesQuery struct {
	name     string
	entities string // the WHERE clause of the tables' entities
	columns  []archive.Column
	// texts are SQL with the parameters entity_id, from and to, both included. A row
	// has ts and a value for each column. A row of narrow tables has ts, metric_id and
	// a value for each column of the metric.
	texts       []string
	hotEntities string        // SQL: the entities with hot rows
	narrow      map[int64]int // of narrow tables: each metric's first column, by its id
	perRow      int           // number of values in a row
}

// moments selects every ts of a hot table from ?2 to ?3. NAME stands for the table.
const moments = `WITH RECURSIVE moment (ts) AS (
	SELECT min(ts) FROM NAME WHERE ts >= ?2
	UNION ALL
	SELECT (SELECT min(ts) FROM NAME h WHERE h.ts > moment.ts) FROM moment WHERE moment.ts < ?3
) `

// NAME stands for the table, COLUMNS for the values, ANY for the condition that a row
// has one of the values, METRICS for the metrics' ids.
const (
	selectWide    = `SELECT s.ts, COLUMNS FROM NAME s WHERE s.entity_id = ?1 AND s.ts BETWEEN ?2 AND ?3 AND ANY ORDER BY s.ts`
	selectWideHot = moments + `SELECT s.ts, COLUMNS FROM moment CROSS JOIN NAME s ON s.ts = moment.ts AND s.entity_id = ?1
		WHERE s.ts <= ?3 AND ANY ORDER BY s.ts`
	selectNarrow = `SELECT s.ts, s.metric_id, COLUMNS FROM NAME s
		WHERE s.entity_id = ?1 AND s.metric_id IN (METRICS) AND s.ts BETWEEN ?2 AND ?3 ORDER BY s.metric_id, s.ts`
	selectNarrowHot = moments + `SELECT s.ts, s.metric_id, COLUMNS FROM moment CROSS JOIN NAME s ON s.ts = moment.ts AND s.entity_id = ?1
		WHERE s.ts <= ?3 AND s.metric_id IN (METRICS) ORDER BY s.metric_id, s.ts`
)

// queries returns a query for each pair of tables that may have selected samples.
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

// wideQuery returns the query of a wide table.
func wideQuery(t *tables.Table, r *tables.Rollup, selection archive.Selection) seriesQuery {
	q := seriesQuery{name: t.Name, entities: "WHERE " + strings.ReplaceAll(t.Owners(), "e.", ""), hotEntities: t.HotEntities}
	var values, conditions []string
	add := func(m schema.Metric, statistic archive.Statistic, value, present string) {
		q.columns = append(q.columns, archive.Column{Metric: m.Name, Statistic: statistic})
		values, conditions = append(values, value), append(conditions, present)
	}
	for i, m := range t.Metrics {
		if !selection.MatchesMetric(m.Name) {
			continue
		}
		if selection.Level == archive.Raw {
			value := "s." + m.Column()
			if m.Part != "" && !selection.Shown { // only if Heapster showed it
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
	q.perRow = len(q.columns)
	q.fill(selection, r, selectWide, selectWideHot, "COLUMNS", strings.Join(values, ", "), "ANY", "("+strings.Join(slices.Compact(conditions), " OR ")+")")
	return q
}

// narrowQuery returns the query of the narrow tables.
func (s *Samples) narrowQuery(r *tables.Rollup, selection archive.Selection) seriesQuery {
	q := seriesQuery{name: tables.NarrowName, entities: "WHERE 1", narrow: make(map[int64]int), hotEntities: s.layout.Narrow.HotEntities}
	values, statistics := []string{"s.value"}, []archive.Statistic{""}
	if selection.Level != archive.Raw {
		values, statistics = nil, nil
		for _, statistic := range archive.Statistics() {
			if selection.MatchesStatistic(statistic) {
				values, statistics = append(values, r.Columns[0].Statistic(statistic)), append(statistics, statistic)
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
	q.perRow = len(statistics)
	q.fill(selection, r, selectNarrow, selectNarrowHot, "COLUMNS", strings.Join(values, ", "), "METRICS", strings.Join(ids, ", "))
	return q
}

// fill replaces the words in the SQL of cold and hot rows, and sets texts.
func (q *seriesQuery) fill(selection archive.Selection, r *tables.Rollup, cold, hot string, words ...string) {
	replace := func(text, table string) string {
		return tables.Fill(text, append(words, "NAME", table)...)
	}
	if selection.Level == archive.Raw {
		q.texts = []string{replace(cold, q.name+"_cold"), replace(hot, q.name+"_hot")}
	} else {
		q.texts = []string{replace(cold, r.Counted(selection.Level))}
	}
}
