package archive

import (
	"errors"
	"fmt"
	"strings"

	"heapstash/schema"
)

// source is a pair of tables, with the statements that read an entity's
// samples from it.
//
// Of a series, the cold rows are all older than the hot ones, so that the one
// after the other is in the order of time. Hot rows lie in the order of time
// too: for each moment that there is, the entity is looked up by its key. The
// moments are found by the key as well, from one to the next.
type source struct {
	name     string
	entities string // the condition that its entities fulfil
	metrics  []schema.MetricName
	cold     string // entity_id, from, to; both included
	hot      string // the same
	// narrow rows are ts, value, metric_id; wide ones ts and a value for each
	// metric.
	narrow map[int64]int // to the index of the metric
}

// moments has every ts of a hot table from ?2 to ?3. NAME stands for the table.
const moments = `WITH RECURSIVE moment (ts) AS (
	SELECT min(ts) FROM NAME_hot WHERE ts >= ?2
	UNION ALL
	SELECT (SELECT min(ts) FROM NAME_hot h WHERE h.ts > moment.ts) FROM moment WHERE moment.ts < ?3
) `

// The statements of wide tables. NAME stands for the table, COLUMNS for those
// that are wanted, ANY for the condition that one of them is there.
const (
	wideCold = `SELECT s.ts, COLUMNS FROM NAME_cold s WHERE s.entity_id = ?1 AND s.ts BETWEEN ?2 AND ?3 AND ANY ORDER BY s.ts`
	wideHot  = moments + `SELECT s.ts, COLUMNS FROM moment CROSS JOIN NAME_hot s ON s.ts = moment.ts AND s.entity_id = ?1
		WHERE s.ts <= ?3 AND ANY ORDER BY s.ts`
)

// The statements of the narrow tables. METRICS stands for the ids of those that
// are wanted.
const (
	narrowCold = `SELECT s.ts, s.value, s.metric_id FROM narrow_cold s
		WHERE s.entity_id = ?1 AND s.metric_id IN (METRICS) AND s.ts BETWEEN ?2 AND ?3 ORDER BY s.metric_id, s.ts`
	narrowHot = moments + `SELECT s.ts, s.value, s.metric_id FROM moment CROSS JOIN narrow_hot s ON s.ts = moment.ts AND s.entity_id = ?1
		WHERE s.ts <= ?3 AND s.metric_id IN (METRICS) ORDER BY s.metric_id, s.ts`
)

// wide is the source of some columns of a table.
func (s *Samples) wide(t *table, columns []int) source {
	from := source{name: t.name, entities: "WHERE labels <> ''"}
	if t.family == schema.Unlabelled {
		from.entities = fmt.Sprintf("WHERE kind = '%v' AND labels = ''", t.kind)
	}
	names := make([]string, len(columns))
	for i, column := range columns {
		from.metrics = append(from.metrics, t.metrics[column].Name)
		names[i] = "s." + t.metrics[column].Column()
	}
	fill := strings.NewReplacer("NAME", t.name, "COLUMNS", strings.Join(names, ", "), "ANY", "coalesce("+strings.Join(append(names, "NULL"), ", ")+") IS NOT NULL")
	from.cold, from.hot = fill.Replace(wideCold), fill.Replace(wideHot)
	return from
}

// narrow is the source of metrics in the narrow tables.
func (s *Samples) narrow(metrics []namedMetric) source {
	from := source{name: narrowName, narrow: make(map[int64]int)}
	ids := make([]string, len(metrics))
	for i, m := range metrics {
		from.metrics = append(from.metrics, m.name)
		from.narrow[m.id] = i
		ids[i] = fmt.Sprint(m.id)
	}
	fill := strings.NewReplacer("NAME", narrowName, "METRICS", strings.Join(ids, ", "))
	from.cold, from.hot = fill.Replace(narrowCold), fill.Replace(narrowHot)
	return from
}

// read visits the source's samples of every entity that is selected.
func (from source) read(s *Samples, v SampleVisitor) error {
	var at schema.Instant
	var metric int64
	cells := make([]cell, 1)
	into := []any{&at, &cells[0], &metric}
	if from.narrow == nil {
		cells = make([]cell, len(from.metrics))
		into = into[:1]
		for i := range cells {
			into = append(into, &cells[i])
		}
	}
	return s.eachEntity(from.entities, func(id int64, subject *Subject) error {
		s.step()
		begun := false
		row := func() error {
			if !begun {
				begun = true
				subject.Metrics = from.metrics
				if err := s.identities(subject); err != nil {
					return err
				}
				if err := v.Subject(subject); err != nil {
					return visited(err)
				}
			}
			if from.narrow != nil {
				return visited(v.Sample(from.narrow[metric], at, cells[0].value))
			}
			for i, c := range cells {
				if !c.set {
					continue
				}
				if err := v.Sample(i, at, c.value); err != nil {
					return visited(err)
				}
			}
			return nil
		}
		if err := s.eachRow(from.cold, id, into, row); err != nil {
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
	stmt, err := s.tx.statement(query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(s.tx.ctx, id, s.selection.Window.From, s.selection.Window.To)
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
