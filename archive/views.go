package archive

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/schema"
)

// viewScript returns the SQL that makes every view. It is built from the
// registry's identifiers alone.
//
// The join with entity is inside each arm of each UNION ALL, with CROSS JOIN
// to hold its order: from entity to rows in the cold arm, whose key begins
// with the entity, and from rows to entity in the hot arm, whose key begins
// with the time. Outside the arms, SQLite would read the whole cold table for
// a question about the last hour.
func viewScript(l layout) string {
	var script strings.Builder
	for _, t := range l.tables {
		fmt.Fprintf(&script, "CREATE VIEW %s AS\n%s\nUNION ALL\n%s;\n\n", t.name, t.arm(cold), t.arm(hot))
	}
	var arms []string
	for _, tier := range []tier{cold, hot} {
		for _, t := range l.tables {
			for _, m := range t.metrics {
				arms = append(arms, t.sampleArm(tier, m))
			}
		}
		arms = append(arms, narrowArm(tier))
	}
	for _, t := range l.tables {
		script.WriteString(t.ratesView())
	}
	fmt.Fprintf(&script, "CREATE VIEW samples (%s, metric, ts, time, value) AS\n%s;\n\n", seriesNames, strings.Join(arms, "\nUNION ALL\n"))
	script.WriteString(rollupViews(l))
	script.WriteString(ledgerViews)
	return script.String()
}

// tier is one half of a pair of tables.
type tier string

const (
	hot  tier = "hot"
	cold tier = "cold"
)

// from joins the tier of a table with entity in the order that its key wants.
func (t tier) from(name string) string {
	if t == cold {
		return fmt.Sprintf("FROM entity e CROSS JOIN %s_cold s ON s.entity_id = e.id", name)
	}
	return fmt.Sprintf("FROM %s_hot s CROSS JOIN entity e ON e.id = s.entity_id", name)
}

// where keeps a cold arm from looking for rows of entities that have none.
func (t *table) where() string {
	if t.family != schema.Unlabelled {
		return "e.labels <> ''"
	}
	return fmt.Sprintf("e.kind = '%s'", t.kind)
}

// owners is the condition on the entities whose rows are in the table.
func (t *table) owners() string {
	if t.family != schema.Unlabelled {
		return t.where()
	}
	return t.where() + " AND e.labels = ''"
}

// arm selects a tier's rows as the table's own view shows them.
func (t *table) arm(tier tier) string {
	columns := append(t.nameColumns(), timeColumns)
	for _, m := range t.metrics {
		columns = append(columns, "s."+m.Column())
	}
	if t.kind == schema.Node {
		columns = append(columns, derivedRatios...)
	}
	return fmt.Sprintf("SELECT %s\n%s\nWHERE %s", strings.Join(columns, ", "), tier.from(t.name), t.where())
}

// nameColumns are the names of a row of the table's views, its owner's and its
// labels'.
func (t *table) nameColumns() []string {
	columns := []string{"e.cluster"}
	if t.family == schema.Unlabelled {
		return append(columns, kindColumns(t.kind)...)
	}
	columns = append(columns, "e.kind",
		"nullif(e.node, '') AS node", "nullif(e.namespace, '') AS namespace",
		"nullif(e.pod, '') AS pod", "nullif(e.container, '') AS container")
	return append(columns, labelColumns(t.family)...)
}

// kindColumns are the names that tell entities of a kind apart.
func kindColumns(k schema.Kind) []string {
	switch k {
	case schema.Node:
		return []string{"e.node"}
	case schema.Namespace:
		return []string{"e.namespace"}
	case schema.Pod:
		return []string{"e.namespace", "e.pod"}
	case schema.Container:
		return []string{"e.namespace", "e.pod", "e.container"}
	case schema.SystemContainer:
		return []string{"e.node", "e.container"}
	default:
		return nil
	}
}

// labelColumns takes a family's label set apart: key:value pairs joined by
// commas, in key order. A value ends where the family's next key begins, and
// may hold commas itself. In a set with other keys it ends at a comma; it is
// NULL there without the key.
func labelColumns(f schema.Family) []string {
	keys := f.LabelKeys()
	// What is left of the set behind each key, NULL where it is not the
	// family's.
	rest := make([]string, len(keys))
	whole := fmt.Sprintf("iif(instr(e.labels, '%[1]s:') = 1, substr(e.labels, %[2]d), NULL)", keys[0], len(keys[0])+2)
	for i := range keys {
		if rest[i] = whole; i > 0 {
			rest[i] = fmt.Sprintf("iif(instr(%[1]s, ',%[2]s:') > 0, substr(%[1]s, instr(%[1]s, ',%[2]s:') + %[3]d), NULL)", rest[i-1], keys[i], len(keys[i])+2)
		}
	}
	var columns []string
	for i, key := range keys {
		value := rest[i]
		if i+1 < len(keys) {
			value = fmt.Sprintf("substr(%[1]s, 1, instr(%[1]s, ',%[2]s:') - 1)", rest[i], keys[i+1])
		}
		// Commas on both sides make the first and the last pair like the rest.
		pair := fmt.Sprintf("substr(',' || e.labels, instr(',' || e.labels, ',%s:') + %d)", key, len(key)+2)
		columns = append(columns, fmt.Sprintf("CASE WHEN %s IS NOT NULL THEN %s WHEN instr(',' || e.labels, ',%s:') > 0 THEN substr(%s, 1, instr(%s || ',', ',') - 1) END AS %s",
			rest[len(rest)-1], value, key, pair, pair, key))
	}
	return columns
}

// seriesNames are the first columns of the views that show every metric.
const seriesNames = "cluster, kind, namespace, pod, container, node, labels"

// narrowSeries are those names where the kind is not known beforehand.
const narrowSeries = "e.cluster, e.kind, nullif(e.namespace, ''), nullif(e.pod, ''), nullif(e.container, ''), nullif(e.node, ''), nullif(e.labels, '')"

// seriesColumns are those names in an arm of the table.
func (t *table) seriesColumns() string {
	if t.family != schema.Unlabelled {
		return narrowSeries
	}
	columns := []string{"e.cluster", fmt.Sprintf("'%s'", t.kind)}
	applies := kindColumns(t.kind)
	for _, name := range []string{"e.namespace", "e.pod", "e.container", "e.node", "e.labels"} {
		if !slices.Contains(applies, name) {
			name = "NULL"
		}
		columns = append(columns, name)
	}
	return strings.Join(columns, ", ")
}

const (
	timeText    = "strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch')"
	timeColumns = "s.ts, " + timeText + " AS time"
)

// sampleArm selects one metric of a tier as the samples view shows it.
func (t *table) sampleArm(tier tier, m schema.Metric) string {
	return fmt.Sprintf("SELECT %s, '%s', s.ts, %s, s.%s %s WHERE %s AND s.%s IS NOT NULL",
		t.seriesColumns(), m.Name, timeText, m.Column(), tier.from(t.name), t.where(), m.Column())
}

// narrowArm selects a tier's samples without a column.
func narrowArm(tier tier) string {
	return "SELECT " + narrowSeries + ", m.name, s.ts, " + timeText + ", s.value " +
		tier.from(narrowName) + byMetric
}

// byMetric joins a narrow table with metric: before its rows where the metric is
// named, for it is in their key before the time, and else after them. That is
// SQLite's to choose.
const byMetric = " JOIN metric m ON m.id = s.metric_id"

// ledgerViews tell what is known, and what is missing.
const ledgerViews = `
CREATE VIEW metrics AS
SELECT name, column_name AS "column", unit, type, description FROM metric;

CREATE VIEW entities AS
SELECT e.cluster, e.kind, nullif(e.namespace, '') AS namespace, nullif(e.pod, '') AS pod,
  nullif(e.container, '') AS container, nullif(e.node, '') AS node, nullif(e.labels, '') AS labels,
  e.first_seen, ifnull(e.last_seen, c.horizon) AS last_seen, e.last_seen IS NULL AS listed
FROM entity e LEFT JOIN cluster_state c ON c.cluster = e.cluster;

CREATE VIEW pod_identities AS
SELECT e.cluster, e.namespace, e.pod, i.uid, nullif(i.node, '') AS node, nullif(i.labels, '') AS labels,
  nullif(i.images, '') AS images, nullif(i.owner_kind, '') AS owner_kind, nullif(i.owner, '') AS owner,
  i.valid_from, ifnull(i.valid_to, c.horizon) AS valid_to, i.valid_to IS NULL AS present
FROM pod_identity i JOIN entity e ON e.id = i.entity_id LEFT JOIN cluster_state c ON c.cluster = e.cluster;

CREATE VIEW namespace_labels AS
SELECT n.cluster, n.namespace, n.labels, n.valid_from, ifnull(n.valid_to, c.horizon) AS valid_to,
  n.valid_to IS NULL AS present
FROM namespace_label n LEFT JOIN cluster_state c ON c.cluster = n.cluster;

CREATE VIEW passes AS
SELECT id, cluster, version, started, strftime('%Y-%m-%dT%H:%M:%SZ', started, 'unixepoch') AS started_time,
  finished, duration_ms, outcome, error, requests, bytes, entities, samples_new, samples_duplicate, conflicts,
  newest, horizon, gap_seconds
FROM pass;

CREATE VIEW holes AS
SELECT h.pass_id AS pass, p.cluster, nullif(h.kind, '') AS kind, nullif(h.namespace, '') AS namespace,
  nullif(h.pod, '') AS pod, nullif(h.container, '') AS container, nullif(h.node, '') AS node,
  nullif(h.labels, '') AS labels, nullif(h.metric, '') AS metric, h.cause, h.detail,
  h.from_ts, h.to_ts, h.lasting
FROM hole h JOIN pass p ON p.id = h.pass_id;

CREATE VIEW gaps AS
SELECT p.cluster, nullif(h.kind, '') AS kind, nullif(h.namespace, '') AS namespace, nullif(h.node, '') AS node,
  nullif(h.metric, '') AS metric, h.from_ts, h.to_ts,
  strftime('%Y-%m-%dT%H:%M:%SZ', h.from_ts, 'unixepoch') AS from_time,
  strftime('%Y-%m-%dT%H:%M:%SZ', h.to_ts, 'unixepoch') AS to_time,
  h.to_ts - h.from_ts + 1 AS seconds, h.cause, h.detail, h.pass_id AS pass
FROM hole h JOIN pass p ON p.id = h.pass_id
WHERE h.from_ts IS NOT NULL AND h.to_ts IS NOT NULL;

CREATE VIEW conflicts AS
SELECT e.cluster, e.kind, nullif(e.namespace, '') AS namespace, nullif(e.pod, '') AS pod,
  nullif(e.container, '') AS container, nullif(e.node, '') AS node, nullif(e.labels, '') AS labels,
  m.name AS metric, s.ts, strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time,
  s.kept, s.refused, s.pass_id AS pass
FROM conflict s JOIN entity e ON e.id = s.entity_id JOIN metric m ON m.id = s.metric_id;
`
