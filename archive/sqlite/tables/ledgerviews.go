package tables

import (
	"regexp"
	"sync"

	"heapstash/schema"
)

// ledgerViews creates the views of the ledger and of names. A comment behind a view says
// what a row is; behind a column, what it has, and [its unit]. The archive keeps them: the
// shell's .schema shows them. A column without a comment has the meaning of another one
// of its name, here or in columnMeanings.
const ledgerViews = `
CREATE VIEW metrics AS -- a metric
SELECT name, -- the metric's name, as Heapster spells it
  column_name AS "column", -- its column in the views; NULL outside the registry, as what follows
  unit, -- what it is measured in
  type, -- gauge, or cumulative for a counter
  description -- what it is
FROM metric;

CREATE VIEW entities AS -- a thing that there are samples of
SELECT e.cluster, e.kind, nullif(e.namespace, '') AS namespace, nullif(e.pod, '') AS pod,
  nullif(e.container, '') AS container, nullif(e.node, '') AS node, nullif(e.labels, '') AS labels,
  e.first_seen, -- when it was first seen [s since 1970]
  ifnull(e.last_seen, c.horizon) AS last_seen, -- when it was last seen [s since 1970]
  e.last_seen IS NULL AS listed -- 1 while Heapster lists it
FROM entity e LEFT JOIN cluster_state c ON c.cluster = e.cluster;

CREATE VIEW pod_identities AS -- an incarnation of a pod
SELECT e.cluster, e.namespace, e.pod,
  i.uid, -- the incarnation's own identity
  nullif(i.node, '') AS node, nullif(i.labels, '') AS labels,
  nullif(i.images, '') AS images, -- container=image, joined by commas
  nullif(i.owner_kind, '') AS owner_kind, -- Deployment, CronJob, ...; NULL where it is not known
  nullif(i.owner, '') AS owner, -- the name of what it belongs to
  i.valid_from, -- from when on it was so [s since 1970]
  ifnull(i.valid_to, c.horizon) AS valid_to, -- until when, inclusive [s since 1970]
  i.valid_to IS NULL AS present -- 1 if it still is
FROM pod_identity i JOIN entity e ON e.id = i.entity_id LEFT JOIN cluster_state c ON c.cluster = e.cluster;

CREATE VIEW namespace_labels AS -- the labels of a namespace for some time
SELECT n.cluster, n.namespace, n.labels, n.valid_from, ifnull(n.valid_to, c.horizon) AS valid_to,
  n.valid_to IS NULL AS present
FROM namespace_label n LEFT JOIN cluster_state c ON c.cluster = n.cluster;

CREATE VIEW passes AS -- a pass
SELECT id, -- the pass's number
  cluster,
  version, -- of the heapstash that made it
  started, -- when it began, on the local clock [s since 1970]
  strftime('%Y-%m-%dT%H:%M:%SZ', started, 'unixepoch') AS started_time, -- the same as text, in UTC
  finished, -- when it ended, on the local clock [s since 1970]
  duration_ms, -- how long it took [ms]
  outcome, -- running, complete, partial, failed or abandoned
  error, -- why it failed
  requests, -- number of requests
  bytes, -- received, as they came over the network [bytes]
  entities, -- number of things that it read
  samples_new, -- number of samples that it stored
  samples_duplicate, -- number of samples that were there before
  conflicts, -- number of samples that were there with another value
  newest, -- the newest sample that it saw, on Heapster's clock [s since 1970]
  horizon, -- the newest batch that was whole, on Heapster's clock [s since 1970]
  gap_seconds -- time that was lost since the pass before [s]
FROM pass;

CREATE VIEW holes AS -- something that a pass could not have
SELECT h.pass_id AS pass, -- the pass's number
  p.cluster, nullif(h.kind, '') AS kind, nullif(h.namespace, '') AS namespace,
  nullif(h.pod, '') AS pod, nullif(h.container, '') AS container, nullif(h.node, '') AS node,
  nullif(h.labels, '') AS labels, nullif(h.metric, '') AS metric,
  h.cause, -- why it is missing
  h.detail, -- the same in words
  h.from_ts, -- from when on it is missing [s since 1970]
  h.to_ts, -- until when, inclusive [s since 1970]
  h.lasting -- 1 if it is so with every pass
FROM hole h JOIN pass p ON p.id = h.pass_id;

CREATE VIEW gaps AS -- a time that is missing
SELECT p.cluster, nullif(h.kind, '') AS kind, nullif(h.namespace, '') AS namespace, nullif(h.node, '') AS node,
  nullif(h.metric, '') AS metric, h.from_ts, h.to_ts,
  strftime('%Y-%m-%dT%H:%M:%SZ', h.from_ts, 'unixepoch') AS from_time, -- from when on, as text in UTC
  strftime('%Y-%m-%dT%H:%M:%SZ', h.to_ts, 'unixepoch') AS to_time, -- until when, inclusive, as text in UTC
  h.to_ts - h.from_ts + 1 AS seconds, -- how long that is [s]
  h.cause, h.detail, h.pass_id AS pass
FROM hole h JOIN pass p ON p.id = h.pass_id
WHERE h.from_ts IS NOT NULL AND h.to_ts IS NOT NULL;

CREATE VIEW conflicts AS -- a second value for a sample
SELECT e.cluster, e.kind, nullif(e.namespace, '') AS namespace, nullif(e.pod, '') AS pod,
  nullif(e.container, '') AS container, nullif(e.node, '') AS node, nullif(e.labels, '') AS labels,
  m.name AS metric, s.ts, strftime('%Y-%m-%dT%H:%M:%SZ', s.ts, 'unixepoch') AS time,
  s.kept, -- the first value [the metric's]
  s.refused, -- the second value [the metric's]
  s.pass_id AS pass
FROM conflict s JOIN entity e ON e.id = s.entity_id JOIN metric m ON m.id = s.metric_id;
`

// ledgerComment finds CREATE VIEW or not, a name, its meaning and its unit.
var ledgerComment = regexp.MustCompile(`(?m)(CREATE VIEW )?(\w+)(?: AS|"?,?) -- (.*?)(?: \[(.+)\])?$`)

// ledgerMeanings returns the comments of ledgerViews, by view and by column.
var ledgerMeanings = sync.OnceValue(func() (m struct{ views, columns map[string]ViewColumn }) {
	m.views, m.columns = make(map[string]ViewColumn), make(map[string]ViewColumn)
	for _, c := range ledgerComment.FindAllStringSubmatch(ledgerViews, -1) {
		to := m.columns
		if c[1] != "" {
			to = m.views
		}
		to[c[2]] = ViewColumn{Name: c[2], Meaning: c[3], Unit: schema.Unit(c[4])}
	}
	return m
})
