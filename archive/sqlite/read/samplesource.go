package read

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// source is tables that have the same of the same entities, with the statements
// that read an entity's samples from them, the older ones first.
//
// Of a series, the cold rows are all older than the hot ones. Hot rows lie in
// the order of time: for each moment that there is, the entity is looked up by
// its key. The moments are found by the key as well, from one to the next.
type source struct {
	name     string
	entities string // the condition that its entities fulfil
	columns  []archive.Column
	// Parameters: entity_id, from, to, both included. A row has ts and a value
	// for each column; of narrow tables metric_id besides, and a value for
	// each column of that metric.
	older, hot string // hot is empty where there is no such table
	narrow     map[int64]int
	cells      int
}

// moments has every ts of a hot table from ?2 to ?3. NAME stands for the table.
const moments = `WITH RECURSIVE moment (ts) AS (
	SELECT min(ts) FROM NAME WHERE ts >= ?2
	UNION ALL
	SELECT (SELECT min(ts) FROM NAME h WHERE h.ts > moment.ts) FROM moment WHERE moment.ts < ?3
) `

// The statements. NAME stands for the table, COLUMNS for what is wanted of it,
// ANY for the condition that some of that is there, METRICS for the ids of
// those that are wanted.
const (
	selectWide    = `SELECT s.ts, COLUMNS FROM NAME s WHERE s.entity_id = ?1 AND s.ts BETWEEN ?2 AND ?3 AND ANY ORDER BY s.ts`
	selectWideHot = moments + `SELECT s.ts, COLUMNS FROM moment CROSS JOIN NAME s ON s.ts = moment.ts AND s.entity_id = ?1
		WHERE s.ts <= ?3 AND ANY ORDER BY s.ts`
	selectNarrow = `SELECT s.ts, s.metric_id, COLUMNS FROM NAME s
		WHERE s.entity_id = ?1 AND s.metric_id IN (METRICS) AND s.ts BETWEEN ?2 AND ?3 ORDER BY s.metric_id, s.ts`
	selectNarrowHot = moments + `SELECT s.ts, s.metric_id, COLUMNS FROM moment CROSS JOIN NAME s ON s.ts = moment.ts AND s.entity_id = ?1
		WHERE s.ts <= ?3 AND s.metric_id IN (METRICS) ORDER BY s.metric_id, s.ts`
)

// sources are where there may be samples of what is wanted.
func (s *Samples) sources(wants func(schema.MetricName) bool, wantsStatistic func(archive.Statistic) bool) []source {
	rollups := s.layout.Rollups()
	var sources []source
	for _, t := range s.layout.Tables {
		from := source{name: t.Name, entities: "WHERE " + strings.ReplaceAll(t.Owners(), "e.", "")}
		var shown, there []string
		for i, m := range t.Metrics {
			if !wants(m.Name) {
				continue
			}
			if s.selection.Level == archive.Raw {
				value := "s." + m.Column()
				if m.Part != "" { // of a moment at which Heapster had it
					value = fmt.Sprintf("iif(%s IS NULL, NULL, %s)", value, tables.ExactRatio(m))
				}
				from.columns = append(from.columns, archive.Column{Metric: m.Name})
				shown = append(shown, value)
				there = append(there, value+" IS NOT NULL")
				continue
			}
			c := rollups[t.Name].Columns[i]
			for _, statistic := range archive.Statistics() {
				expression := c.Statistic(statistic)
				if m.Part != "" {
					expression = rollups[t.Name].ExactRatio(m, statistic)
				}
				if expression != "" && wantsStatistic(statistic) {
					from.columns = append(from.columns, archive.Column{Metric: m.Name, Statistic: statistic})
					shown = append(shown, expression)
					there = append(there, c.There())
				}
			}
		}
		if len(from.columns) == 0 {
			continue
		}
		present := "(" + strings.Join(slices.Compact(there), " OR ") + ")"
		fill := func(statement, table string) string {
			return strings.NewReplacer("NAME", table, "COLUMNS", strings.Join(shown, ", "), "ANY", present).Replace(statement)
		}
		from.cells = len(from.columns)
		if s.selection.Level == archive.Raw {
			from.older, from.hot = fill(selectWide, t.Name+"_cold"), fill(selectWideHot, t.Name+"_hot")
		} else {
			from.older = fill(selectWide, rollups[t.Name].Counted(s.selection.Level))
		}
		sources = append(sources, from)
	}
	if from, ok := s.narrow(rollups[tables.NarrowName], wants, wantsStatistic); ok {
		sources = append(sources, from)
	}
	return sources
}

// narrow is the source of metrics in the narrow tables.
func (s *Samples) narrow(r *tables.Rollup, wants func(schema.MetricName) bool, wantsStatistic func(archive.Statistic) bool) (source, bool) {
	from := source{name: tables.NarrowName, narrow: make(map[int64]int)}
	shown := []string{"s.value"}
	statistics := []archive.Statistic{""}
	if s.selection.Level != archive.Raw {
		shown, statistics = nil, slices.DeleteFunc(archive.Statistics(), func(statistic archive.Statistic) bool { return !wantsStatistic(statistic) })
		for _, statistic := range statistics {
			shown = append(shown, r.Columns[0].Statistic(statistic))
		}
	}
	var ids []string
	for _, m := range s.metrics {
		if !wants(m.name) {
			continue
		}
		from.narrow[m.id] = len(from.columns)
		ids = append(ids, fmt.Sprint(m.id))
		for _, statistic := range statistics {
			from.columns = append(from.columns, archive.Column{Metric: m.name, Statistic: statistic})
		}
	}
	fill := func(statement, table string) string {
		return strings.NewReplacer("NAME", table, "COLUMNS", strings.Join(shown, ", "), "METRICS", strings.Join(ids, ", ")).Replace(statement)
	}
	from.cells = len(statistics)
	if s.selection.Level == archive.Raw {
		from.older, from.hot = fill(selectNarrow, "narrow_cold"), fill(selectNarrowHot, "narrow_hot")
	} else {
		from.older = fill(selectNarrow, r.Counted(s.selection.Level))
	}
	return from, len(ids) > 0
}

// read visits the source's samples of every entity that is selected.
func (from source) read(s *Samples, v archive.SampleVisitor) error {
	var at schema.Instant
	var metric int64
	cells := make([]tables.Cell, from.cells)
	into := []any{&at}
	if from.narrow != nil {
		into = append(into, &metric)
	}
	into = append(into, tables.Pointers(cells)...)
	return s.eachEntity(from.entities, func(id int64, subject *archive.Subject) error {
		s.step()
		begun := false
		row := func() error {
			if !begun {
				begun = true
				subject.Columns = from.columns
				if err := s.identities(subject); err != nil {
					return err
				}
				if err := v.Subject(subject); err != nil {
					return visited(err)
				}
			}
			first := from.narrow[metric] // 0 of wide tables
			for i, c := range cells {
				if !c.Set {
					continue
				}
				if err := v.Sample(first+i, at, c.Value); err != nil {
					return visited(err)
				}
			}
			return nil
		}
		if err := s.eachRow(from.older, id, into, row); err != nil {
			return err
		}
		if !s.hot[from.name][id] {
			return nil
		}
		return s.eachRow(from.hot, id, into, row)
	})
}

// eachRow scans the rows that a statement has of an entity.
func (s *Samples) eachRow(query string, id int64, into []any, row func() error) error {
	stmt, err := s.tx.Statement(query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(s.tx.Ctx, id, s.selection.Window.From, s.selection.Window.To)
	if err != nil {
		return err
	}
	for n := 0; rows.Next(); n++ {
		err := rows.Scan(into...)
		if err == nil {
			err = row()
		}
		if err == nil && n%1024 == 0 {
			err = s.ctx.Err()
		}
		if err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}
