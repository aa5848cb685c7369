package check

import (
	"cmp"
	"fmt"
	"strings"

	"heapstash/archive/sqlite/tables"
)

// rule is true of every row of a table after every transaction. Tables of samples and
// rollups have [RowRule]s instead.
type rule struct {
	name      string // of the finding: see meanings
	table     string
	line      string // SQL expression that shows a violation; empty if SQLite finds it
	violation string // SQL condition on a row that violates the rule
	fixes     []fix  // what a repair does about violations, in this order
}

// fix removes violations of a rule.
type fix struct {
	done string // for the report of a repair
	// do is DELETE, or SET with its columns, for the rows that violate the rule; or a
	// whole statement.
	do string
	// where is a condition on the rows to fix. It is empty for all that violate the rule.
	where string
}

func dropped(done string) fix { return fix{done: done, do: "DELETE"} }

// meaning is what violations of rules of one name mean.
type meaning struct{ name, text string }

// meanings are in the order of a report.
var meanings = []meaning{
	{"entity-names", "an entity's kind is unknown, or its names do not fit its kind: views do not show its samples"},
	{"watermark-ahead", "a scope counts as read beyond the horizon: the next pass would not ask for what lies between"},
	{"scopes", "a scope's kind or part is unknown: no pass reads it"},
	{"identity-overlap", "two incarnations of a pod overlap, or one ends before it begins: a sample would belong to both, or to none"},
	{"identity-kind", "an entity that is not a pod has incarnations"},
	{"label-overlap", "two sets of labels of a namespace overlap, or one ends before it begins"},
	{"namespace-ids", "a namespace's id or name is missing, or a namespace has two ids: samples of pods of the same name could be mixed up"},
	{"absurd-times", "a time is not a whole number of seconds between the years 1970 and 9999"},
	{"pass-outcomes", "a pass's outcome is unknown, or it is closed without an end, or open with an end"},
	{"passes-open", "several passes are open: each new pass closes the earlier ones"},
	{"hole-places", "a hole's kind is unknown, its cause is empty, or lasting is neither 0 nor 1"},
	{"conflict-values", "a value in conflict is not a number"},
}

// LastSecond is the last second of the year 9999, in Unix seconds. Later times have no
// text.
const LastSecond = 253402300799

// absurd is the condition that a column has no time. Text and blobs are none.
func absurd(column string) string {
	return fmt.Sprintf("(typeof(%[1]s) <> 'integer' OR %[1]s NOT BETWEEN 0 AND %[2]d)", column, int64(LastSecond))
}

// absurdTime is the rule that a column has a time or NULL.
func absurdTime(table, column, owner string, fixes ...fix) rule {
	return rule{"absurd-times", table, fmt.Sprintf("'%s of ' || %s || ': ' || quote(%s)", column, owner, column),
		column + " IS NOT NULL AND " + absurd(column), fixes}
}

// overlap is the rule that ranges of time of a table end before the next one begins.
// Next is the SQL expression of the next beginning.
func overlap(name, table, line, next string, fixes ...fix) rule {
	return rule{name, table, line + " || ', from ' || valid_from || ' to ' || ifnull(valid_to, 'now')",
		"valid_to < valid_from OR ifnull(valid_to, " + next + ") >= " + next, fixes}
}

const (
	kinds        = `'cluster', 'node', 'namespace', 'pod', 'container', 'system_container'`
	invalidScope = `kind NOT IN (` + kinds + `) OR part NOT IN ('', 'standard', 'labelled') OR (kind = 'cluster') <> (name = '')`
	showScope    = `cluster || ' ' || kind || '/' || name || ' ' || part`

	// Of incarnations that begin together, the longest is the last.
	nextIncarnation = `(SELECT min(o.valid_from) FROM pod_identity o WHERE o.entity_id = pod_identity.entity_id
		AND (o.valid_from, ifnull(o.valid_to, 1e18), o.uid) > (pod_identity.valid_from, ifnull(pod_identity.valid_to, 1e18), pod_identity.uid))`
	nextLabels = `(SELECT min(o.valid_from) FROM namespace_label o WHERE o.cluster = namespace_label.cluster
		AND o.namespace = namespace_label.namespace AND o.valid_from > namespace_label.valid_from)`
)

// What several fixes report.
const (
	requestsDropped   = "requests of unknown metrics or scopes were dropped: the next pass requests them without a start"
	carriedDropped    = "pairs of an entity and a metric, one of them missing, were dropped"
	watermarksDropped = "watermarks with an unknown scope or an absurd time were dropped: the next pass reads the scope again"
	identitiesDropped = "incarnations without a pod, or with an absurd time, were dropped"
	identitiesCut     = "incarnations that ended before they began, or at an absurd time, were cut to their beginning"
	labelsCut         = "labels that ended before they began, or at an absurd time, were cut to their beginning"
	conflictsDropped  = "conflicts without their entity, their metric or two numbers were dropped"
	holesDropped      = "holes without a kind, cause or pass were dropped"
	holeTimesDropped  = "absurd times of holes were dropped"
)

// rules are in the order in which a repair fixes them: no fix violates an earlier rule.
func rules() []rule {
	const endAtBegin, withoutTimes = "SET valid_to = valid_from", "SET from_ts = NULL, to_ts = NULL"
	// SQLite finds violations of foreign keys.
	reference := func(table, violation string, f fix) rule {
		return rule{"foreign-keys", table, "", violation, []fix{f}}
	}
	const noEntity, noMetric = "entity_id NOT IN (SELECT id FROM entity)", "metric_id NOT IN (SELECT id FROM metric)"
	const noPass = "typeof(pass_id) <> 'integer'" // other passes are added
	return []rule{
		{"entity-names", "entity", "'entity ' || id || ' (' || kind || ')'", `NOT CASE kind
			WHEN 'cluster' THEN namespace = '' AND pod = '' AND container = '' AND node = ''
			WHEN 'node' THEN node <> '' AND namespace = '' AND pod = '' AND container = ''
			WHEN 'namespace' THEN namespace <> '' AND pod = '' AND container = '' AND node = ''
			WHEN 'pod' THEN namespace <> '' AND pod <> '' AND container = '' AND node = ''
			WHEN 'container' THEN namespace <> '' AND pod <> '' AND container <> '' AND node = ''
			WHEN 'system_container' THEN node <> '' AND container <> '' AND namespace = '' AND pod = ''
			ELSE 0 END`, []fix{dropped("entities with other names than their kind has were dropped")}},

		absurdTime("entity", "first_seen", "'entity ' || id",
			fix{done: "absurd times of entities were set to 0", do: "SET first_seen = 0"}),
		absurdTime("entity", "last_seen", "'entity ' || id",
			fix{done: "absurd last times of entities were dropped: they count as listed until the next pass", do: "SET last_seen = NULL"}),
		absurdTime("cluster_state", "horizon", "cluster",
			dropped("absurd horizons were dropped")),
		{"absurd-times", "watermark", "'watermark of ' || cluster || ' ' || kind || '/' || name || ': ' || quote(ts)", absurd("ts"),
			[]fix{dropped(watermarksDropped)}},
		{"absurd-times", "compaction", "'compaction of ' || table_name || ': ' || quote(ts)", absurd("ts"), nil}, // a repair makes the table anew
		absurdTime("pod_identity", "valid_from", "'entity ' || entity_id", dropped(identitiesDropped)),
		absurdTime("pod_identity", "valid_to", "'entity ' || entity_id", fix{done: identitiesCut, do: endAtBegin}),
		absurdTime("namespace_label", "valid_from", "'labels of ' || namespace",
			dropped("labels with an absurd time were dropped")),
		absurdTime("namespace_label", "valid_to", "'labels of ' || namespace", fix{done: labelsCut, do: endAtBegin}),
		{"absurd-times", "conflict", "'conflict of entity ' || entity_id || ': ' || quote(ts)", absurd("ts"),
			[]fix{dropped(conflictsDropped)}},
		absurdTime("hole", "from_ts", "'hole ' || id", fix{done: holeTimesDropped, do: withoutTimes}),
		absurdTime("hole", "to_ts", "'hole ' || id", fix{done: holeTimesDropped, do: withoutTimes}),
		{"absurd-times", "pass", "'a time of pass ' || id", "typeof(started) <> 'integer' OR typeof(finished) NOT IN ('integer', 'null')",
			[]fix{{"absurd times of passes were set to 0", "SET started = 0", "typeof(started) <> 'integer'"}}}, // pass-outcomes fixes the end

		{"scopes", "watermark", "'watermark of ' || " + showScope, invalidScope, []fix{dropped(watermarksDropped)}},
		{"scopes", "asked", "'asked of ' || " + showScope, invalidScope, []fix{dropped(requestsDropped)}},
		reference("asked", noMetric, dropped(requestsDropped)),
		reference("carried", noMetric, dropped(carriedDropped)),
		reference("carried", noEntity, dropped(carriedDropped)),
		reference("pod_identity", noEntity, dropped(identitiesDropped)),

		{"watermark-ahead", "watermark", showScope + ` || ' at ' || ts || ifnull((SELECT ', the horizon is ' || horizon FROM cluster_state c
			WHERE c.cluster = watermark.cluster), ', and there is no horizon')`,
			"NOT EXISTS (SELECT 1 FROM cluster_state c WHERE c.cluster = watermark.cluster AND c.horizon >= watermark.ts)", []fix{
				{done: "horizons that were lost were taken from the last pass", do: `INSERT OR IGNORE INTO cluster_state (cluster, horizon)
					SELECT cluster, horizon FROM (SELECT cluster, horizon, max(id) FROM pass WHERE horizon IS NOT NULL AND NOT ` + absurd("horizon") + ` GROUP BY cluster)`},
				{done: "horizons that were lost were taken from the watermarks",
					do: "INSERT OR IGNORE INTO cluster_state (cluster, horizon) SELECT cluster, max(ts) FROM watermark GROUP BY cluster"},
				dropped("watermarks beyond the horizon were dropped: the next pass reads the scope again")}},

		{"identity-kind", "pod_identity", "'entity ' || entity_id || ' (' || (SELECT kind FROM entity e WHERE e.id = entity_id) || '), uid ' || uid",
			"EXISTS (SELECT 1 FROM entity e WHERE e.id = entity_id AND (e.kind <> 'pod' OR e.labels <> ''))", []fix{dropped(identitiesDropped)}},
		overlap("identity-overlap", "pod_identity", "'entity ' || entity_id || ', uid ' || uid", nextIncarnation,
			fix{identitiesCut, endAtBegin, "valid_to < valid_from"},
			fix{"incarnations that began at the same time as a longer one were dropped", "DELETE", "valid_from = " + nextIncarnation},
			fix{done: "incarnations that overlapped the next one were cut", do: "SET valid_to = " + nextIncarnation + " - 1"}),
		{"namespace-ids", "namespace_id", "cluster || ' ' || id || ' is ' || namespace", `id = '' OR namespace = '' OR EXISTS
			(SELECT 1 FROM namespace_id o WHERE o.cluster = namespace_id.cluster AND o.namespace = namespace_id.namespace AND o.id < namespace_id.id)`,
			[]fix{{"ids of namespaces with two ids, or without a name, were dropped: passes learn them again", "DELETE",
				`id = '' OR namespace = '' OR typeof(id) <> 'text' OR typeof(namespace) <> 'text' OR EXISTS
				(SELECT 1 FROM namespace_id o WHERE o.cluster = namespace_id.cluster AND o.namespace = namespace_id.namespace AND o.id <> namespace_id.id)`}}},
		overlap("label-overlap", "namespace_label", "cluster || ' ' || namespace", nextLabels,
			fix{labelsCut, endAtBegin, "valid_to < valid_from"},
			fix{done: "labels that overlapped the next ones were cut", do: "SET valid_to = " + nextLabels + " - 1"}),

		{"pass-outcomes", "pass", "'pass ' || id || ': ' || outcome",
			"outcome NOT IN ('running', 'complete', 'partial', 'failed', 'abandoned') OR (outcome IN ('running', 'abandoned')) <> (finished IS NULL)",
			[]fix{{"passes without an end, or with an unknown outcome, were marked as abandoned",
				"SET outcome = 'abandoned', finished = NULL, error = ifnull(error, 'the process died in this pass')",
				`outcome NOT IN ('complete', 'partial', 'failed', 'abandoned') OR (outcome = 'abandoned') <> (finished IS NULL)
				OR typeof(finished) NOT IN ('integer', 'null')`}}},
		{"passes-open", "pass", "'pass ' || id || ' of ' || cluster", // pass-outcomes closes all
			"outcome = 'running' AND id < (SELECT max(id) FROM pass WHERE outcome = 'running')", nil},
		{"hole-places", "hole", "'hole ' || id || ' of pass ' || pass_id", "kind NOT IN ('', " + kinds + ") OR lasting NOT IN (0, 1) OR cause = ''",
			[]fix{dropped(holesDropped)}},
		{"conflict-values", "conflict", "'entity ' || entity_id || ' at ' || ts",
			"typeof(kept) NOT IN ('integer', 'real') OR typeof(refused) NOT IN ('integer', 'real')", []fix{dropped(conflictsDropped)}},
		reference("conflict", noEntity+" OR "+noMetric+" OR "+noPass, dropped(conflictsDropped)),
		reference("hole", noPass, dropped(holesDropped)),
		reference("pass", "", fix{done: "passes to which only holes or conflicts refer were added", do: `INSERT INTO pass (id, cluster, version, started, outcome, error)
			SELECT x.pass_id, (SELECT iif(count(DISTINCT cluster) = 1, min(cluster), '') FROM entity), '',
				ifnull((SELECT max(started) FROM pass WHERE id < x.pass_id), 0), 'abandoned', 'its line in the ledger was lost'
			FROM (SELECT pass_id FROM hole UNION SELECT pass_id FROM conflict) x WHERE x.pass_id NOT IN (SELECT id FROM pass)`}),
	}
}

// Correction is a statement that fixes violations of a rule.
type Correction struct {
	Table string
	What  string // for the report of a repair
	SQL   string
}

// Corrections returns the corrections of the rules, in order, and then those of rollups.
// A repair makes rows of samples right while it copies them.
func Corrections(l tables.Layout) (all []Correction) {
	for _, r := range rules() {
		for _, f := range r.fixes {
			statement := f.do
			where := " WHERE " + cmp.Or(f.where, r.violation)
			switch verb, _, _ := strings.Cut(f.do, " "); verb {
			case "DELETE":
				statement = "DELETE FROM " + r.table + where
			case "SET":
				statement = "UPDATE " + r.table + " " + f.do + where
			}
			all = append(all, Correction{r.table, f.done, statement})
		}
	}
	return append(all, rollupCorrections(l)...)
}
