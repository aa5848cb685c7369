package check

import (
	"cmp"
	"fmt"
	"strings"

	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// rowCheck is an invariant of every row of a table of samples or rollups.
type rowCheck struct {
	name      string
	meaning   string // of a violation
	Violation string // SQL condition on a row s that violates it
}

// tableScan has the invariants of a table, checked in one query.
type tableScan struct {
	Table  string
	From   string // FROM clause: rows s, their entities e
	values string // SQL expression: a row's number of samples; empty for 0
	Checks []rowCheck
	rollup bool // the table has rollups
}

// compactedUpTo is the time up to which the table NAME has its rows in cold, included.
const compactedUpTo = `ifnull((SELECT ts FROM compaction WHERE table_name = 'NAME'), 0)`

// commonChecks returns the invariants of both wide and narrow tables.
func commonChecks(name string, tier tables.Tier) []rowCheck {
	moved := strings.ReplaceAll(compactedUpTo, "NAME", name)
	checks := []rowCheck{
		{"orphan-rows", "rows are of an entity that is not there: no view shows them", "e.id IS NULL"},
		{"absurd-times", "a time is not a whole number of seconds between the years 1970 and 9999",
			"typeof(s.ts) <> 'integer' OR s.ts NOT BETWEEN 1 AND " + LastSecondText},
	}
	if tier == tables.Hot {
		return append(checks, rowCheck{"hot-behind", "hot rows are of a time whose rows have moved to cold: a pass would store them again, in cold", "s.ts <= " + moved})
	}
	return append(checks, rowCheck{"cold-ahead", "cold rows are of a time whose rows are still hot: a pass would store them again, in hot", "s.ts > " + moved})
}

func fromTable(table string) string {
	return fmt.Sprintf(" FROM %s s LEFT JOIN entity e ON e.id = s.entity_id", table)
}

// rowChecks returns the scan of a wide table's tier.
func rowChecks(t *tables.Table, tier tables.Tier) tableScan {
	table := t.Name + "_" + string(tier)
	var columns, texts []string
	for _, m := range t.Metrics {
		columns = append(columns, "s."+m.Column())
		// Text and blobs sort after every number: value columns have no affinity.
		texts = append(texts, "s."+m.Column()+" >= ''")
	}
	checks := append(commonChecks(t.Name, tier),
		rowCheck{"wrong-table", "rows are of an entity whose samples belong to another table: the view does not show them", "NOT (" + t.Owners() + ")"},
		rowCheck{"empty-rows", "rows have no value at all", "coalesce(NULL, " + strings.Join(columns, ", ") + ") IS NULL"},
		rowCheck{"value-types", "values are neither integers nor floats", strings.Join(texts, " OR ")})
	if tier == tables.Hot {
		checks = append(checks, rowCheck{"hot-and-cold", "rows are in hot and in cold: views show their samples twice",
			fmt.Sprintf("EXISTS (SELECT 1 FROM %s_cold c WHERE c.entity_id = s.entity_id AND c.ts = s.ts)", t.Name)})
	}
	return tableScan{Table: table, From: fromTable(table), values: ValuesIn(t), Checks: checks}
}

// narrowChecks returns the scan of a narrow table.
func narrowChecks(l tables.Layout, tier tables.Tier) tableScan {
	table := tables.NarrowName + "_" + string(tier)
	checks := append(commonChecks(tables.NarrowName, tier),
		rowCheck{"orphan-metrics", "samples are of a metric that is not there: no view shows them",
			"NOT EXISTS (SELECT 1 FROM metric m WHERE m.id = s.metric_id)"},
		rowCheck{"value-types", "values are neither integers nor floats", "typeof(s.value) NOT IN ('integer', 'real')"},
		rowCheck{"narrow-column", "samples are in a narrow table though their metric has a column: a pass would store them again, there", hasColumn(l)})
	if tier == tables.Hot {
		checks = append(checks, rowCheck{"hot-and-cold", "rows are in hot and in cold: views show their samples twice",
			"EXISTS (SELECT 1 FROM narrow_cold c WHERE c.entity_id = s.entity_id AND c.metric_id = s.metric_id AND c.ts = s.ts)"})
	}
	return tableScan{Table: table, From: fromTable(table), values: "1", Checks: checks}
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

// scan reads a table once for all invariants, and once more for the examples of each
// violated one.
func (c *checker) scan(s tableScan) error {
	sums := []string{"count(*)", "ifnull(sum(" + cmp.Or(s.values, "0") + "), 0)"}
	for _, check := range s.Checks {
		sums = append(sums, "ifnull(sum("+check.Violation+"), 0)")
	}
	counts := make([]int64, len(sums))
	dest := make([]any, len(sums))
	for i := range counts {
		dest[i] = &counts[i]
	}
	if err := c.tx.QueryRowContext(c.ctx, "SELECT "+strings.Join(sums, ", ")+s.From).Scan(dest...); err != nil {
		c.uncounted = true
		return err
	}
	if !s.rollup {
		c.report.Rows += counts[0]
		c.samples += counts[1]
	}
	for i, check := range s.Checks {
		if counts[i+2] == 0 {
			continue
		}
		f := Finding{Name: check.name, Table: s.Table, Meaning: check.meaning}
		err := c.violations(f, fmt.Sprintf("SELECT 'entity ' || quote(s.entity_id) || ' at ' || quote(s.ts)%s WHERE %s LIMIT %d",
			s.From, check.Violation, maxExamples))
		if err != nil {
			return err
		}
		c.report.Findings[len(c.report.Findings)-1].Count = counts[i+2]
	}
	return nil
}
