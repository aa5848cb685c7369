package tables

import "strings"

// ledgerViews are the views of the ledger and of names.
func (l Layout) ledgerViews(full tableNames) []view {
	names := joined(nullable("namespace", "pod", "container", "node", "labels"))
	from := func(t *Table, alias string) string {
		return "FROM " + full(t.Rows()) + " FINAL WHERE " + Deleted + " = 0" + alias
	}
	// present completes the last time of what is present: the cluster's horizon.
	present := func(columns string, t *Table, names, last, open, flag string) string {
		return "SELECT " + names + ", if(" + open + " = 0, horizon, " + open + ") AS " + last + ", " + open + " = 0 AS " + flag +
			"\nFROM (SELECT " + columns + " " + from(t, "") + ") AS known" +
			"\nGLOBAL ANY LEFT JOIN (SELECT cluster, horizon " + from(l.ClusterState, "") + ") AS state USING (cluster)"
	}
	conflict := joined(nullable("namespace", "pod", "container", "node", "labels"))
	return []view{
		{"metrics", "SELECT name, " + joined([]string{"nullIf(column_name, '') AS column", "nullIf(unit, '') AS unit", "nullIf(type, '') AS type", "nullIf(description, '') AS description"}) + "\n" + from(l.Metric, "")},
		{"entities", present(joined(l.Entity.KeyNames())+", first_seen, last_seen AS until", l.Entity, "cluster, kind, "+names+", first_seen", "last_seen", "until", "listed")},
		{"pod_identities", present("cluster, namespace, pod, uid, "+joined(nullable("node", "labels", "images", "owner_kind", "owner"))+", valid_from, valid_to AS until", l.PodIdentity,
			"cluster, namespace, pod, uid, node, labels, images, owner_kind, owner, valid_from", "valid_to", "until", "present")},
		{"namespace_labels", present("cluster, namespace, labels, valid_from, valid_to AS until", l.NamespaceLabel, "cluster, namespace, labels, valid_from", "valid_to", "until", "present")},
		{"passes", "SELECT id, cluster, version, started, " + timeOf("toNullable(started)") + " AS started_time, finished, duration_ms, outcome, nullIf(error, '') AS error, " +
			"requests, bytes, entities, samples_new, samples_duplicate, conflicts, newest, horizon, gap_seconds\n" + from(l.Pass, "")},
		{"holes", "SELECT pass, cluster, " + joined(nullable("kind", "namespace", "pod", "container", "node", "labels", "metric")) +
			", cause, detail, nullIf(from_ts, 0) AS from_ts, nullIf(to_ts, 0) AS to_ts, lasting\n" + from(l.Hole, "")},
		{"gaps", strings.Join([]string{
			"SELECT cluster, " + joined(nullable("kind", "namespace", "node", "metric")) + ", from_ts, to_ts",
			timeOf("toNullable(from_ts)") + " AS from_time", timeOf("toNullable(to_ts)") + " AS to_time",
			"to_ts - from_ts + 1 AS seconds, cause, detail, pass\n" + from(l.Hole, " AND from_ts > 0 AND to_ts > 0"),
		}, ", ")},
		{"conflicts", timeParts + "SELECT cluster, kind, " + conflict + ", metric, ts, " + timeText + " AS time, " +
			"if(isNull(kept_integer), kept_float, toFloat64(kept_integer)) AS kept, if(isNull(refused_integer), refused_float, toFloat64(refused_integer)) AS refused, pass, " +
			"kept_integer, kept_float, refused_integer, refused_float\n" + from(l.Conflict, "")},
	}
}
