package check

// invariant is true after every transaction.
type invariant struct {
	name    string
	meaning string // of a violation
	query   string // returns a line of text for each violation
	note    bool
}

// The last second of the year 9999, in Unix seconds. Later times have no text.
const (
	LastSecond     = 253402300799
	LastSecondText = "253402300799"
)

// invariants hold for all tables except samples and rollups: see [rowCheck].
var invariants = []invariant{
	{name: "entity-names", query: queryEntityNames,
		meaning: "an entity's kind is unknown, or its names do not fit its kind: views do not show its samples"},
	{name: "watermark-ahead", query: queryWatermarkAhead,
		meaning: "a scope counts as read beyond the horizon: the next pass would not ask for what lies between"},
	{name: "scopes", query: queryScopes,
		meaning: "a scope's kind or part is unknown: no pass reads it"},
	{name: "identity-overlap", query: queryIdentityOverlap,
		meaning: "two incarnations of a pod overlap, or one ends before it begins: a sample would belong to both, or to none"},
	{name: "identity-kind", query: queryIdentityKind,
		meaning: "an entity that is not a pod has incarnations"},
	{name: "label-overlap", query: queryLabelOverlap,
		meaning: "two sets of labels of a namespace overlap, or one ends before it begins"},
	{name: "namespace-ids", query: queryNamespaceIDs,
		meaning: "a namespace's id or name is missing, or a namespace has two ids: samples of pods of the same name could be mixed up"},
	{name: "absurd-times", query: queryAbsurdTimes,
		meaning: "a time is not a whole number of seconds between the years 1970 and 9999"},
	{name: "pass-outcomes", query: queryPassOutcomes,
		meaning: "a pass's outcome is unknown, or it is closed without an end, or open with an end"},
	{name: "passes-open", query: queryPassesOpen,
		meaning: "several passes are open: each new pass closes the earlier ones"},
	{name: "hole-places", query: queryHolePlaces,
		meaning: "a hole's kind is unknown, its cause is empty, or lasting is neither 0 nor 1"},
	{name: "conflict-values", query: queryConflictValues,
		meaning: "a value in conflict is not a number"},
}

const (
	queryEntityNames = `SELECT 'entity ' || id || ' (' || kind || ')' FROM entity WHERE ` + InvalidNames

	// InvalidNames is the SQL condition for an entity whose names do not fit its kind.
	InvalidNames = `NOT CASE kind
		WHEN 'cluster' THEN namespace = '' AND pod = '' AND container = '' AND node = ''
		WHEN 'node' THEN node <> '' AND namespace = '' AND pod = '' AND container = ''
		WHEN 'namespace' THEN namespace <> '' AND pod = '' AND container = '' AND node = ''
		WHEN 'pod' THEN namespace <> '' AND pod <> '' AND container = '' AND node = ''
		WHEN 'container' THEN namespace <> '' AND pod <> '' AND container <> '' AND node = ''
		WHEN 'system_container' THEN node <> '' AND container <> '' AND namespace = '' AND pod = ''
		ELSE 0 END`

	queryWatermarkAhead = `SELECT w.cluster || ' ' || w.kind || '/' || w.name || ' ' || w.part || ' at ' || w.ts ||
			ifnull(', the horizon is ' || c.horizon, ', and there is no horizon')
		FROM watermark w LEFT JOIN cluster_state c ON c.cluster = w.cluster
		WHERE c.horizon IS NULL OR w.ts > c.horizon`

	queryScopes = `SELECT source || ' of ' || cluster || ' ' || kind || '/' || name || ' ' || part FROM (
			SELECT 'watermark' AS source, cluster, kind, name, part FROM watermark
			UNION ALL SELECT 'asked', cluster, kind, name, part FROM asked)
		WHERE ` + InvalidScope

	queryIdentityOverlap = `SELECT 'entity ' || entity_id || ', uid ' || uid || ', from ' || valid_from || ' to ' || ifnull(valid_to, 'now')
		FROM (SELECT *, lead(valid_from) OVER (PARTITION BY entity_id ORDER BY valid_from) AS next FROM pod_identity)
		WHERE valid_to < valid_from OR ifnull(valid_to, next) >= next`

	queryIdentityKind = `SELECT 'entity ' || i.entity_id || ' (' || e.kind || '), uid ' || i.uid
		FROM pod_identity i JOIN entity e ON e.id = i.entity_id WHERE e.kind <> 'pod' OR e.labels <> ''`

	queryLabelOverlap = `SELECT cluster || ' ' || namespace || ', from ' || valid_from || ' to ' || ifnull(valid_to, 'now')
		FROM (SELECT *, lead(valid_from) OVER (PARTITION BY cluster, namespace ORDER BY valid_from) AS next FROM namespace_label)
		WHERE valid_to < valid_from OR ifnull(valid_to, next) >= next`

	queryNamespaceIDs = `SELECT cluster || ' ' || id || ' is ' || namespace FROM namespace_id n
		WHERE id = '' OR namespace = '' OR EXISTS
			(SELECT 1 FROM namespace_id o WHERE o.cluster = n.cluster AND o.namespace = n.namespace AND o.id < n.id)`

	queryAbsurdTimes = `SELECT what || ': ' || quote(at) FROM (
			SELECT 'first_seen of entity ' || id AS what, first_seen AS at FROM entity
			UNION ALL SELECT 'last_seen of entity ' || id, last_seen FROM entity
			UNION ALL SELECT 'horizon of ' || cluster, horizon FROM cluster_state
			UNION ALL SELECT 'watermark of ' || cluster || ' ' || kind || '/' || name, ts FROM watermark
			UNION ALL SELECT 'compaction of ' || table_name, ts FROM compaction
			UNION ALL SELECT 'valid_from of entity ' || entity_id, valid_from FROM pod_identity
			UNION ALL SELECT 'valid_to of entity ' || entity_id, valid_to FROM pod_identity
			UNION ALL SELECT 'valid_from of labels of ' || namespace, valid_from FROM namespace_label
			UNION ALL SELECT 'valid_to of labels of ' || namespace, valid_to FROM namespace_label
			UNION ALL SELECT 'conflict of entity ' || entity_id, ts FROM conflict
			UNION ALL SELECT 'from_ts of hole ' || id, from_ts FROM hole
			UNION ALL SELECT 'to_ts of hole ' || id, to_ts FROM hole)
		WHERE at IS NOT NULL AND (typeof(at) <> 'integer' OR at NOT BETWEEN 0 AND ` + LastSecondText + `)
		UNION ALL SELECT 'a time of pass ' || id FROM pass
		WHERE typeof(started) <> 'integer' OR typeof(finished) NOT IN ('integer', 'null')`

	queryPassOutcomes = `SELECT 'pass ' || id || ': ' || outcome FROM pass
		WHERE outcome NOT IN ('running', 'complete', 'partial', 'failed', 'abandoned')
			OR (outcome IN ('running', 'abandoned')) <> (finished IS NULL)`

	queryPassesOpen = `SELECT 'pass ' || id || ' of ' || cluster FROM pass
		WHERE outcome = 'running' AND id < (SELECT max(id) FROM pass WHERE outcome = 'running')`

	queryHolePlaces = `SELECT 'hole ' || id || ' of pass ' || pass_id FROM hole
		WHERE kind NOT IN ('', 'cluster', 'node', 'namespace', 'pod', 'container', 'system_container')
			OR lasting NOT IN (0, 1) OR cause = ''`

	queryConflictValues = `SELECT 'entity ' || entity_id || ' at ' || ts FROM conflict
		WHERE typeof(kept) NOT IN ('integer', 'real') OR typeof(refused) NOT IN ('integer', 'real')`
)

// InvalidScope is the SQL condition for a scope that no pass reads.
const InvalidScope = `kind NOT IN ('cluster', 'node', 'namespace', 'pod', 'container', 'system_container')
	OR part NOT IN ('', 'standard', 'labelled') OR (kind = 'cluster') <> (name = '')`
