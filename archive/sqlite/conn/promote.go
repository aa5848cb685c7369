package conn

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"heapstash/archive"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// promote moves the samples that narrow tables hold of metrics that have a
// column now into it: those that an older heapstash, whose registry did not
// know the metric on that kind, has archived. A value that is there already
// stays. Metrics that every entity is asked for now are no longer noted as
// carried by some.
func promote(ctx context.Context, tx *sql.Tx, l tables.Layout) error {
	for _, t := range l.Tables {
		for _, m := range t.Metrics {
			if err := promoteColumn(ctx, t, tx, m); err != nil {
				return fmt.Errorf("%s of %s: %w", m.Name, t.Name, err)
			}
		}
	}
	return nil
}

const (
	selectNarrowMetric = `SELECT count(*) FROM metric WHERE name = ?1 AND (
		EXISTS (SELECT 1 FROM narrow_hot WHERE metric_id = metric.id)
		OR EXISTS (SELECT 1 FROM narrow_cold WHERE metric_id = metric.id)
		OR EXISTS (SELECT 1 FROM carried WHERE metric_id = metric.id))`

	// TABLE, COLUMN and WHOSE stand for the wide table, the metric's column in
	// it, and the condition on its entities; SOURCE for a narrow table.
	promoteCold = `INSERT INTO TABLE_cold (entity_id, ts, COLUMN)
		SELECT s.entity_id, s.ts, s.value FROM SOURCE s JOIN entity e ON e.id = s.entity_id
		WHERE s.metric_id = (SELECT id FROM metric WHERE name = ?1) AND WHOSE
			AND s.ts <= ifnull((SELECT ts FROM compaction WHERE table_name = 'TABLE'), 0)
		ON CONFLICT (entity_id, ts) DO UPDATE SET COLUMN = ifnull(COLUMN, excluded.COLUMN)`
	promoteHot = `INSERT INTO TABLE_hot (ts, entity_id, COLUMN)
		SELECT s.ts, s.entity_id, s.value FROM SOURCE s JOIN entity e ON e.id = s.entity_id
		WHERE s.metric_id = (SELECT id FROM metric WHERE name = ?1) AND WHOSE
			AND s.ts > ifnull((SELECT ts FROM compaction WHERE table_name = 'TABLE'), 0)
		ON CONFLICT (ts, entity_id) DO UPDATE SET COLUMN = ifnull(COLUMN, excluded.COLUMN)`
	// The hours that the samples are of are rolled up anew.
	promoteDue = `INSERT OR IGNORE INTO rollup_due (level, ts, table_name, entity_id)
		SELECT DISTINCT 'hourly', s.ts - s.ts % 3600, 'TABLE', s.entity_id FROM SOURCE s JOIN entity e ON e.id = s.entity_id
		WHERE s.metric_id = (SELECT id FROM metric WHERE name = ?1) AND WHOSE
			AND s.ts <= ifnull((SELECT ts FROM compaction WHERE table_name = 'TABLE'), 0)`
	// A narrow rollup stays where its samples were pruned.
	forgetRollups = `DELETE FROM SOURCE WHERE metric_id = (SELECT id FROM metric WHERE name = ?1)
		AND entity_id IN (SELECT e.id FROM entity e WHERE WHOSE)
		AND EXISTS (SELECT 1 FROM TABLE_cold c WHERE c.entity_id = SOURCE.entity_id
			AND c.ts BETWEEN SOURCE.ts AND SOURCE.ts + SECONDS - 1 AND c.COLUMN IS NOT NULL)`
	forgetNarrow = `DELETE FROM SOURCE WHERE metric_id = (SELECT id FROM metric WHERE name = ?1)
		AND entity_id IN (SELECT e.id FROM entity e WHERE WHOSE)`
	forgetCarried = `DELETE FROM carried WHERE metric_id = (SELECT id FROM metric WHERE name = ?1)
		AND entity_id IN (SELECT e.id FROM entity e WHERE WHOSE)`
)

func promoteColumn(ctx context.Context, t *tables.Table, tx *sql.Tx, m schema.Metric) error {
	var found int
	if err := tx.QueryRowContext(ctx, selectNarrowMetric, m.Name).Scan(&found); err != nil || found == 0 {
		return err
	}
	var statements []string
	for _, source := range []string{tables.NarrowName + "_hot", tables.NarrowName + "_cold"} {
		for _, statement := range []string{promoteCold, promoteHot, promoteDue, forgetNarrow} {
			statements = append(statements, fill(t, statement, m, source))
		}
	}
	for _, level := range []archive.Level{archive.Hourly, archive.Daily} {
		statement := fill(t, forgetRollups, m, tables.NarrowName+"_"+tables.PeriodOf(level))
		statements = append(statements, strings.ReplaceAll(statement, "SECONDS", fmt.Sprint(int64(tables.SecondsOf(level)))))
	}
	if !m.Rare {
		statements = append(statements, fill(t, forgetCarried, m, ""))
	}
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement, m.Name); err != nil {
			return err
		}
	}
	return nil
}

// fill puts the registry's identifiers into a statement.
func fill(t *tables.Table, statement string, m schema.Metric, source string) string {
	return strings.NewReplacer("TABLE", t.Name, "COLUMN", m.Column(), "WHOSE", t.Owners(), "SOURCE", source).Replace(statement)
}
