package check

import (
	"cmp"
	"fmt"
	"strings"

	"heapstash/archive"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// RowRule is true of every row of a table of samples or rollups.
type RowRule struct {
	name    string
	meaning string // of a violation
	// Correction is what a repair reports about rows of samples that violate the rule.
	Correction string
	// Drops reports whether a repair drops the row. If Drops is nil, a repair keeps the
	// row's samples.
	Drops func(Row) bool
}

// Row is a row of samples as a repair reads it.
type Row struct {
	Of          *tables.Rollup // of the row's table
	KnownEntity bool
	Kind        schema.Kind // of the entity
	Labelled    bool        // the entity has labels
	At          int64       // zero if it is not an integer
	KnownMetric bool        // of a row of narrow tables
	HasValues   bool
}

// The rules of rows.
var (
	OrphanRows = RowRule{"orphan-rows", "rows are of an entity that is not there: no view shows them",
		"rows of an entity that is not there were dropped", func(r Row) bool { return !r.KnownEntity }}
	AbsurdTimes = RowRule{"absurd-times", "a time is not a whole number of seconds between the years 1970 and 9999",
		"rows of an absurd time were dropped", func(r Row) bool { return r.At < 1 || r.At > LastSecond }}
	WrongTable = RowRule{"wrong-table", "rows are of an entity whose samples belong to another table: the view does not show them",
		"rows of an entity of another kind were dropped", func(r Row) bool { return !r.Of.Has(r.Kind, r.Labelled) }}
	OrphanMetrics = RowRule{"orphan-metrics", "rows are of a metric that is not there: no view shows them",
		"samples of a metric that is not there were dropped", func(r Row) bool { return !r.KnownMetric }}
	EmptyRows = RowRule{"empty-rows", "rows have no value at all",
		"rows without a value were dropped", func(r Row) bool { return !r.HasValues }}
	ValueTypes = RowRule{"value-types", "values are neither integers nor floats",
		"values that are no numbers were dropped", nil}
	NarrowColumn = RowRule{"narrow-column", "samples are in a narrow table though their metric has a column: a pass would store them again, there",
		"samples whose metric has a column were moved there", nil}
	HotBehind = RowRule{"hot-behind", "hot rows are of a time whose rows have moved to cold: a pass would store them again, in cold",
		"rows that belong to the other one of hot and cold were moved there", nil}
	ColdAhead = RowRule{"cold-ahead", "cold rows are of a time whose rows are still hot: a pass would store them again, in hot",
		HotBehind.Correction, nil}
	HotAndCold = RowRule{"hot-and-cold", "rows are in hot and in cold: views show their samples twice",
		"rows that were there twice were brought together", nil}
)

// rowCheck is a rule of the rows of one table.
type rowCheck struct {
	RowRule
	violation string // SQL condition on a row s that violates it
}

// tableScan has the rules of a table, checked in one query.
type tableScan struct {
	table  string
	from   string // FROM clause: rows s, their entities e
	values string // SQL expression: a row's number of samples; empty for rollups
	checks []rowCheck
}

func newScan(table, values string, checks []rowCheck) tableScan {
	return tableScan{table, fmt.Sprintf(" FROM %s s LEFT JOIN entity e ON e.id = s.entity_id", table), values, checks}
}

const noMetric = "NOT EXISTS (SELECT 1 FROM metric m WHERE m.id = s.metric_id)"

// scanOf returns the scan of a hot or cold table.
func scanOf(l tables.Layout, r *tables.Rollup, tier tables.Tier) tableScan {
	moved := fmt.Sprintf("ifnull((SELECT ts FROM compaction WHERE table_name = '%s'), 0)", r.Table)
	var columns, texts []string
	for _, c := range r.Columns {
		columns = append(columns, "s."+c.Name)
		// Text and blobs sort after every number: value columns have no affinity.
		texts = append(texts, "s."+c.Name+" >= ''")
	}
	checks := []rowCheck{
		{OrphanRows, "e.id IS NULL"},
		{AbsurdTimes, fmt.Sprintf("typeof(s.ts) <> 'integer' OR s.ts NOT BETWEEN 1 AND %d", int64(LastSecond))},
		{WrongTable, "NOT (" + r.Owners + ")"},
		{EmptyRows, "coalesce(NULL, " + strings.Join(columns, ", ") + ") IS NULL"},
		{ValueTypes, strings.Join(texts, " OR ")},
	}
	if r.IsNarrow() {
		checks = append(checks, rowCheck{OrphanMetrics, noMetric}, rowCheck{NarrowColumn, hasColumn(l)})
	}
	if tier == tables.Hot {
		checks = append(checks, rowCheck{HotBehind, "s.ts <= " + moved},
			rowCheck{HotAndCold, fill(r, "EXISTS (SELECT 1 FROM TABLE_cold x WHERE SERIES AND x.ts = s.ts)", "", "")})
	} else {
		checks = append(checks, rowCheck{ColdAhead, "s.ts > " + moved}, missing(r, archive.Hourly))
	}
	return newScan(r.Table+"_"+string(tier), r.SamplesIn(), checks)
}

// hasColumn returns the condition that a narrow sample belongs to a wide table. A file
// with another registry has other columns.
func hasColumn(l tables.Layout) string {
	var unlabelled, labelled []string
	for _, t := range l.Tables {
		for _, m := range t.Metrics {
			if t.Family != schema.Unlabelled {
				labelled = append(labelled, fmt.Sprintf("'%s'", m.Name))
			} else {
				unlabelled = append(unlabelled, fmt.Sprintf("'%s %s'", t.Kind, m.Name))
			}
		}
	}
	const name = "(SELECT name FROM metric m WHERE m.id = s.metric_id)"
	return fmt.Sprintf("CASE WHEN e.labels = '' THEN e.kind || ' ' || %s IN (%s) ELSE %s IN (%s) END",
		name, strings.Join(unlabelled, ", "), name, strings.Join(labelled, ", "))
}

// scan reads a table once for all rules, and once more for the examples of each violated
// one.
func (c *checker) scan(s tableScan) error {
	sums := []string{"count(*)", "ifnull(sum(" + cmp.Or(s.values, "0") + "), 0)"}
	for _, check := range s.checks {
		sums = append(sums, "ifnull(sum("+check.violation+"), 0)")
	}
	counts := make([]int64, len(sums))
	dest := make([]any, len(sums))
	for i := range counts {
		dest[i] = &counts[i]
	}
	if err := c.tx.QueryRowContext(c.ctx, "SELECT "+strings.Join(sums, ", ")+s.from).Scan(dest...); err != nil {
		c.uncounted = true
		return err
	}
	if s.values != "" {
		c.report.Rows += counts[0]
		c.samples += counts[1]
	}
	for i, check := range s.checks {
		if counts[i+2] == 0 {
			continue
		}
		f := Finding{Name: check.name, Table: s.table, Meaning: check.meaning}
		err := c.violations(f, fmt.Sprintf("SELECT 'entity ' || quote(s.entity_id) || ' at ' || quote(s.ts)%s WHERE %s LIMIT %d",
			s.from, check.violation, maxExamples))
		if err != nil {
			return err
		}
		c.report.Findings[len(c.report.Findings)-1].Count = counts[i+2]
	}
	return nil
}
