package read

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// Which metrics have floats. NAME stands for a table, REALS for a column each:
// whether one of its values is REAL; METRICS for the ids that are asked for.
const (
	realsCold    = `SELECT REALS FROM NAME_cold s WHERE s.entity_id = ?1 AND s.ts BETWEEN ?2 AND ?3`
	realsHot     = `SELECT REALS FROM NAME_hot s`
	realsNarrow  = `SELECT DISTINCT metric_id FROM NAME WHERE typeof(value) = 'real' AND metric_id IN (METRICS)`
	isReal       = `ifnull(max(typeof(s.%s) = 'real'), 0)`
	narrowTables = tables.NarrowName + "_cold " + tables.NarrowName + "_hot"
)

// Floats tells which of the metrics, selected or not, have values that are
// floats: those with a column among the selected samples, or the last hours; the
// others anywhere in the archive, so that two parts of it are told the same of
// a metric outside the registry. It reads all of that.
func (s *Samples) Floats(among []schema.MetricName) (map[schema.MetricName]bool, error) {
	floats := make(map[schema.MetricName]bool)
	wanted := func(m schema.MetricName) bool { return slices.Contains(among, m) && s.wants(m) }
	for _, t := range s.layout.Tables {
		var metrics []schema.Metric
		for _, m := range t.Metrics {
			if wanted(m.Name) {
				metrics = append(metrics, m)
			}
		}
		if len(metrics) == 0 {
			continue
		}
		if err := s.wideFloats(t, metrics, floats); err != nil {
			return nil, conn.Explain(s.path, err)
		}
	}
	if err := s.narrowFloats(among, floats); err != nil {
		return nil, conn.Explain(s.path, err)
	}
	return floats, nil
}

func (s *Samples) wideFloats(t *tables.Table, metrics []schema.Metric, floats map[schema.MetricName]bool) error {
	entities := "WHERE " + strings.ReplaceAll(t.Owners(), "e.", "")
	if n, err := s.count(entities); err != nil || n == 0 {
		return err
	}
	reals := make([]string, len(metrics))
	for i, m := range metrics {
		reals[i] = fmt.Sprintf(isReal, m.Column())
	}
	fill := strings.NewReplacer("NAME", t.Name, "REALS", strings.Join(reals, ", "))
	found := make([]bool, len(metrics))
	into := make([]any, len(metrics))
	for i := range found {
		into[i] = &found[i]
	}
	look := func(query string, args ...any) error {
		stmt, err := s.tx.Statement(fill.Replace(query))
		if err != nil {
			return err
		}
		if err := stmt.QueryRowContext(s.tx.Ctx, args...).Scan(into...); err != nil {
			return err
		}
		for i, is := range found {
			if is {
				floats[metrics[i].Name] = true
			}
		}
		return nil
	}
	if err := look(realsHot); err != nil {
		return err
	}
	return s.eachEntity(entities, func(id int64, _ *archive.Subject) error {
		return look(realsCold, id, s.selection.Window.From, s.selection.Window.To)
	})
}

func (s *Samples) narrowFloats(among []schema.MetricName, floats map[schema.MetricName]bool) error {
	names := make(map[int64]schema.MetricName)
	var ids []string
	for _, m := range s.metrics {
		if slices.Contains(among, m.name) {
			names[m.id] = m.name
			ids = append(ids, fmt.Sprint(m.id))
		}
	}
	for _, name := range strings.Fields(narrowTables) {
		fill := strings.NewReplacer("NAME", name, "METRICS", strings.Join(ids, ", "))
		// One statement may take long: it ends with the reading.
		err := conn.Each(s.ctx, s.tx.Tx, func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			floats[names[id]] = true
			return err
		}, fill.Replace(realsNarrow))
		if err != nil {
			return err
		}
	}
	return nil
}
