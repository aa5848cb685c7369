package tables

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/schema"
)

// ViewScript returns the SQL that creates every view. Its identifiers come from the
// registry only.
//
// Each arm (a SELECT of a UNION ALL) joins entity itself, and CROSS JOIN fixes the
// order: the cold arm goes from entity to rows, because the cold key begins with the
// entity; the hot arm goes from rows to entity, because the hot key begins with the
// time. With a join outside the arms, SQLite would read the whole cold table for a
// question about the last hour.
func ViewScript(l Layout) string {
	var script strings.Builder
	for _, t := range l.Tables {
		fmt.Fprintf(&script, "CREATE VIEW %s AS\n%s\nUNION ALL\n%s;\n\n", t.Name, t.arm(Cold), t.arm(Hot))
	}
	for _, t := range l.Tables {
		script.WriteString(t.ratesView())
	}
	var arms []string
	for _, tier := range []Tier{Cold, Hot} {
		for _, t := range l.Tables {
			arms = append(arms, t.seriesArm(tier.From(t.Name), t.caseOf("", schema.Gauge, schema.Cumulative)))
		}
		arms = append(arms, narrowArm(tier.From(NarrowName), "s.value"))
	}
	script.WriteString(seriesView("samples", "value", arms, "value", "value", "value IS NOT NULL"))
	script.WriteString(rollupViews(l))
	script.WriteString(ledgerViews)
	return script.String()
}

// Tier is a table of a pair.
type Tier string

const (
	Hot  Tier = "hot"
	Cold Tier = "cold"
)

// From returns the tier's rows s, joined with their entities e.
func (t Tier) From(name string) string { return t.join("entity", name) }

// join is From with a subquery for the entities. The tier's key decides the order.
func (t Tier) join(entities, name string) string {
	if t == Cold {
		return ByEntity(entities, name+"_cold")
	}
	return fmt.Sprintf("%s_hot s CROSS JOIN %s e ON e.id = s.entity_id", name, entities)
}

// ByEntity joins entities e with the rows s of a table whose key begins with the
// entity.
func ByEntity(entities, rows string) string {
	return fmt.Sprintf("%s e CROSS JOIN %s s ON s.entity_id = e.id", entities, rows)
}

// where returns a condition on the entity, so that a cold arm does not look for rows
// of entities that have none.
func (t *Table) where() string {
	if t.Family != schema.Unlabelled {
		return "e.labels <> ''"
	}
	return fmt.Sprintf("e.kind = '%s'", t.Kind)
}

// Owners returns the condition on entities e whose rows are in the table.
func (t *Table) Owners() string {
	if t.Family != schema.Unlabelled {
		return t.where()
	}
	return t.where() + " AND e.labels = ''"
}

// arm selects a tier's rows for the table's own view.
func (t *Table) arm(tier Tier) string {
	columns := append(t.nameColumns(), timeColumns)
	for _, m := range t.Metrics {
		columns = append(columns, m.Column())
	}
	columns = append(columns, t.derivedRatios()...)
	return fmt.Sprintf("SELECT %s\nFROM %s\nWHERE %s", strings.Join(columns, ", "), tier.join(t.entities(), t.Name), t.where())
}

// nameColumns returns the columns of the table's views with the entity's names and
// labels.
func (t *Table) nameColumns() []string {
	columns := []string{"e.cluster"}
	if t.Family == schema.Unlabelled {
		for _, name := range t.Kind.NameColumns() {
			columns = append(columns, "e."+name)
		}
		return columns
	}
	columns = append(columns, "e.kind",
		"nullif(e.node, '') AS node", "nullif(e.namespace, '') AS namespace",
		"nullif(e.pod, '') AS pod", "nullif(e.container, '') AS container")
	return append(columns, labelColumns(t.Family)...)
}

// entities returns the table or subquery of entities, with the columns that
// labelColumns reads.
func (t *Table) entities() string {
	if t.Family == schema.Unlabelled {
		return "entity"
	}
	keys := t.Family.LabelKeys()
	from := fmt.Sprintf("(SELECT *, ',' || labels AS pairs, iif(instr(labels, '%[1]s:') = 1, substr(labels, %[2]d), NULL) AS rest0 FROM entity)",
		keys[0], len(keys[0])+2)
	for i, key := range keys[1:] {
		from = fmt.Sprintf("(SELECT *, iif(instr(rest%[1]d, ',%[3]s:') > 0, substr(rest%[1]d, instr(rest%[1]d, ',%[3]s:') + %[4]d), NULL) AS rest%[2]d FROM %[5]s)",
			i, i+1, key, len(key)+2, from)
	}
	return from
}

// labelColumns returns a column for each key of a family's label set. A set has
// key:value pairs in key order, joined by commas. A value may have commas: it ends
// where the family's next key begins. In a set with other keys it ends at a comma,
// and a missing key is NULL.
//
// rest<i> is the set after key i, NULL if the keys so far are not the family's. In
// pairs, a comma stands before each pair, the first included.
func labelColumns(f schema.Family) []string {
	keys := f.LabelKeys()
	var columns []string
	for i, key := range keys {
		value := fmt.Sprintf("rest%d", i)
		if i+1 < len(keys) {
			value = fmt.Sprintf("substr(%[1]s, 1, instr(%[1]s, ',%[2]s:') - 1)", value, keys[i+1])
		}
		pair := fmt.Sprintf("substr(pairs, instr(pairs, ',%s:') + %d)", key, len(key)+2)
		columns = append(columns, fmt.Sprintf("CASE WHEN rest%d IS NOT NULL THEN %s WHEN instr(pairs, ',%s:') > 0 THEN substr(%s, 1, instr(%s || ',', ',') - 1) END AS %s",
			len(keys)-1, value, key, pair, pair, key))
	}
	return columns
}

// seriesNames has the first columns of the views that show every metric.
const seriesNames = "cluster, kind, namespace, pod, container, node, labels, metric, ts, time"

// narrowSeries selects seriesNames, up to labels, for entities of any kind.
const narrowSeries = "e.cluster, e.kind, nullif(e.namespace, ''), nullif(e.pod, ''), nullif(e.container, ''), nullif(e.node, ''), nullif(e.labels, '')"

// seriesColumns selects seriesNames, up to labels, for the table's entities.
func (t *Table) seriesColumns() string {
	if t.Family != schema.Unlabelled {
		return narrowSeries
	}
	columns := []string{"e.cluster", fmt.Sprintf("'%s'", t.Kind)}
	for _, name := range []string{"namespace", "pod", "container", "node", "labels"} {
		if slices.Contains(t.Kind.NameColumns(), name) {
			columns = append(columns, "e."+name)
		} else {
			columns = append(columns, "NULL")
		}
	}
	return strings.Join(columns, ", ")
}

const (
	timeText    = "strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch')"
	timeColumns = "s.ts, " + timeText + " AS time"
)

// seriesView returns a view of every metric. The arms select the values; the view
// computes its columns from them and keeps the rows that meet the condition where.
func seriesView(name, columns string, arms []string, values, shown, where string) string {
	return fmt.Sprintf("CREATE VIEW %[1]s (%[2]s, %[3]s) AS\nWITH series (%[2]s, %[4]s) AS (\n%[5]s\n)\nSELECT %[2]s, %[6]s FROM series WHERE %[7]s;\n\n",
		name, seriesNames, columns, values, strings.Join(arms, "\nUNION ALL\n"), shown, where)
}

// seriesArm selects a table's values for [seriesView]. It reads the table once for
// each metric m; most questions name one metric.
//
// An arm for each metric would be a third faster on millions of rows. But SQLite
// would parse hundreds of arms whenever the archive is opened, and compile them for
// every question.
func (t *Table) seriesArm(from string, values ...string) string {
	names := make([]string, len(t.Metrics))
	for i, m := range t.Metrics {
		names[i] = fmt.Sprintf("(%d, '%s')", i, m.Name)
	}
	return fmt.Sprintf("SELECT %s, m.name, s.ts, %s, %s FROM (SELECT column1 AS i, column2 AS name FROM (VALUES %s)) m CROSS JOIN %s WHERE %s",
		t.seriesColumns(), timeText, strings.Join(values, ", "), strings.Join(names, ", "), from, t.where())
}

// caseOf returns the expression of the metric m's value: the metric's column with the
// suffix, or NULL if the metric's type is not one of types.
func (t *Table) caseOf(suffix string, types ...schema.MetricType) string {
	var cases strings.Builder
	for i, m := range t.Metrics {
		if slices.Contains(types, m.Type) {
			fmt.Fprintf(&cases, " WHEN %d THEN %s%s", i, m.Column(), suffix)
		}
	}
	if cases.Len() == 0 {
		return "NULL"
	}
	return "CASE m.i" + cases.String() + " END"
}

// narrowArm selects the values of metrics without a column for [seriesView].
func narrowArm(from string, values ...string) string {
	return fmt.Sprintf("SELECT %s, m.name, s.ts, %s, %s FROM %s%s", narrowSeries, timeText, strings.Join(values, ", "), from, byMetric)
}

// byMetric joins a narrow table with metric. SQLite chooses the order: metric first if
// the question names a metric, because the key has it before the time; else last.
const byMetric = " JOIN metric m ON m.id = s.metric_id"
