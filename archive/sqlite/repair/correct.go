package repair

import (
	"maps"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/archive/sqlite/check"
)

// correction is a statement that makes a violated invariant true.
type correction struct{ table, what, statement string }

func (r *repairer) correct(c correction) error {
	result, err := r.tx.ExecContext(r.ctx, c.statement)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	r.corrected(c.table, c.what, n)
	return err
}

// correctLedger corrects everything except samples, after all is copied.
func (r *repairer) correctLedger() error {
	all := corrections
	for _, t := range r.report.Tables {
		if holdsSamples(t.Table) && t.Pages+t.Damaged > 0 {
			all = append(all[:len(all):len(all)], rereadAll)
			break
		}
	}
	for _, c := range all {
		c.statement = strings.ReplaceAll(c.statement, "IS_A_TIME", "BETWEEN 0 AND "+check.LastSecondText)
		if err := r.correct(c); err != nil {
			return err
		}
	}
	return nil
}

// correctRollups drops the rows of rollups that violate an invariant, and makes
// all rollups due again.
func (r *repairer) correctRollups() error {
	rollups := r.layout.Rollups()
	for _, name := range slices.Sorted(maps.Keys(rollups)) {
		for _, level := range []archive.Level{archive.Hourly, archive.Daily} {
			for _, c := range rollupCorrections(rollups[name], level) {
				if err := r.correct(c); err != nil {
					return err
				}
			}
		}
		if err := r.correct(rollAgain(rollups[name])); err != nil {
			return err
		}
	}
	return nil
}

// holdsSamples reports whether samples are lost if rows of the table are.
func holdsSamples(table string) bool {
	return table == "entity" || table == "metric" || strings.HasSuffix(table, "_hot") || strings.HasSuffix(table, "_cold")
}

// rereadAll lets the next pass read everything that Heapster still shows.
var rereadAll = correction{"watermark", "watermarks were dropped because samples are lost: the next pass reads again what Heapster still shows",
	`DELETE FROM watermark`}

// corrections restore every invariant that is not about samples. Their order
// matters: none undoes an earlier one. IS_A_TIME excludes text and blobs, which
// sort after all numbers.
var corrections = []correction{
	{"entity", "absurd times of entities were set to 0",
		`UPDATE entity SET first_seen = 0 WHERE typeof(first_seen) <> 'integer' OR first_seen NOT IS_A_TIME`},
	{"entity", "absurd last times of entities were dropped: they count as listed until the next pass",
		`UPDATE entity SET last_seen = NULL WHERE typeof(last_seen) NOT IN ('integer', 'null') OR last_seen NOT IS_A_TIME`},

	{"pass", "passes without an end, or with an unknown outcome, were marked as abandoned",
		`UPDATE pass SET outcome = 'abandoned', finished = NULL, error = ifnull(error, 'the process died in this pass')
		WHERE outcome NOT IN ('complete', 'partial', 'failed', 'abandoned') OR (outcome = 'abandoned') <> (finished IS NULL)
			OR typeof(finished) NOT IN ('integer', 'null')`},
	{"pass", "absurd times of passes were set to 0", `UPDATE pass SET started = 0 WHERE typeof(started) <> 'integer'`},
	{"conflict", "conflicts without their entity, their metric or two numbers were dropped",
		`DELETE FROM conflict WHERE entity_id NOT IN (SELECT id FROM entity) OR metric_id NOT IN (SELECT id FROM metric)
			OR typeof(ts) <> 'integer' OR ts NOT IS_A_TIME OR typeof(pass_id) <> 'integer'
			OR typeof(kept) NOT IN ('integer', 'real') OR typeof(refused) NOT IN ('integer', 'real')`},
	{"hole", "holes without a kind, cause or pass were dropped",
		`DELETE FROM hole WHERE kind NOT IN ('', 'cluster', 'node', 'namespace', 'pod', 'container', 'system_container')
			OR lasting NOT IN (0, 1) OR cause = '' OR typeof(pass_id) <> 'integer'`},
	{"hole", "absurd times of holes were dropped",
		`UPDATE hole SET from_ts = NULL, to_ts = NULL
		WHERE typeof(from_ts) NOT IN ('integer', 'null') OR typeof(to_ts) NOT IN ('integer', 'null')
			OR from_ts NOT IS_A_TIME OR to_ts NOT IS_A_TIME`},
	{"pass", "passes to which only holes or conflicts refer were added",
		`INSERT INTO pass (id, cluster, version, started, outcome, error)
		SELECT x.pass_id, (SELECT iif(count(DISTINCT cluster) = 1, min(cluster), '') FROM entity), '',
			ifnull((SELECT max(started) FROM pass WHERE id < x.pass_id), 0), 'abandoned', 'its line in the ledger was lost'
		FROM (SELECT pass_id FROM hole UNION SELECT pass_id FROM conflict) x WHERE x.pass_id NOT IN (SELECT id FROM pass)`},

	{"asked", "requests of unknown metrics or scopes were dropped: the next pass requests them without a start",
		`DELETE FROM asked WHERE metric_id NOT IN (SELECT id FROM metric) OR ` + check.InvalidScope},
	{"carried", "pairs of an entity and a metric, one of them missing, were dropped",
		`DELETE FROM carried WHERE metric_id NOT IN (SELECT id FROM metric) OR entity_id NOT IN (SELECT id FROM entity)`},

	{"cluster_state", "absurd horizons were dropped",
		`DELETE FROM cluster_state WHERE typeof(horizon) <> 'integer' OR horizon NOT IS_A_TIME`},
	{"watermark", "watermarks with an unknown scope or an absurd time were dropped: the next pass reads the scope again",
		`DELETE FROM watermark WHERE typeof(ts) <> 'integer' OR ts NOT IS_A_TIME OR ` + check.InvalidScope},
	{"cluster_state", "horizons that were lost were taken from the last pass",
		`INSERT OR IGNORE INTO cluster_state (cluster, horizon)
		SELECT cluster, horizon FROM (SELECT cluster, horizon, max(id) FROM pass WHERE horizon IS_A_TIME AND typeof(horizon) = 'integer' GROUP BY cluster)`},
	{"cluster_state", "horizons that were lost were taken from the watermarks",
		`INSERT OR IGNORE INTO cluster_state (cluster, horizon) SELECT cluster, max(ts) FROM watermark GROUP BY cluster`},
	{"watermark", "watermarks beyond the horizon were dropped: the next pass reads the scope again",
		`DELETE FROM watermark WHERE ts > (SELECT horizon FROM cluster_state c WHERE c.cluster = watermark.cluster)`},

	{"pod_identity", "incarnations without a pod, or with an absurd time, were dropped",
		`DELETE FROM pod_identity WHERE entity_id NOT IN (SELECT id FROM entity WHERE kind = 'pod' AND labels = '')
			OR typeof(valid_from) <> 'integer' OR valid_from NOT IS_A_TIME`},
	{"pod_identity", "incarnations that ended before they began, or at an absurd time, were cut to their beginning",
		`UPDATE pod_identity SET valid_to = valid_from WHERE valid_to < valid_from OR typeof(valid_to) NOT IN ('integer', 'null') OR valid_to NOT IS_A_TIME`},
	{"pod_identity", "incarnations that began at the same time as a longer one were dropped",
		`DELETE FROM pod_identity WHERE EXISTS (SELECT 1 FROM pod_identity o WHERE o.entity_id = pod_identity.entity_id AND o.valid_from = pod_identity.valid_from
			AND (ifnull(o.valid_to, 1e18), o.uid) > (ifnull(pod_identity.valid_to, 1e18), pod_identity.uid))`},
	{"pod_identity", "incarnations that overlapped the next one were cut",
		`UPDATE pod_identity SET valid_to = n.valid_from - 1 FROM
			(SELECT entity_id, uid, lead(valid_from) OVER (PARTITION BY entity_id ORDER BY valid_from) AS valid_from FROM pod_identity) n
		WHERE n.entity_id = pod_identity.entity_id AND n.uid = pod_identity.uid AND ifnull(pod_identity.valid_to, n.valid_from) >= n.valid_from`},

	{"namespace_id", "ids of namespaces with two ids, or without a name, were dropped: passes learn them again",
		`DELETE FROM namespace_id WHERE id = '' OR namespace = '' OR typeof(id) <> 'text' OR typeof(namespace) <> 'text' OR EXISTS
			(SELECT 1 FROM namespace_id o WHERE o.cluster = namespace_id.cluster AND o.namespace = namespace_id.namespace AND o.id <> namespace_id.id)`},
	{"namespace_label", "labels with an absurd time were dropped",
		`DELETE FROM namespace_label WHERE typeof(valid_from) <> 'integer' OR valid_from NOT IS_A_TIME`},
	{"namespace_label", "labels that ended before they began, or at an absurd time, were cut to their beginning",
		`UPDATE namespace_label SET valid_to = valid_from WHERE valid_to < valid_from OR typeof(valid_to) NOT IN ('integer', 'null') OR valid_to NOT IS_A_TIME`},
	{"namespace_label", "labels that overlapped the next ones were cut",
		`UPDATE namespace_label SET valid_to = n.valid_from - 1 FROM
			(SELECT cluster, namespace, valid_from AS began, lead(valid_from) OVER (PARTITION BY cluster, namespace ORDER BY valid_from) AS valid_from FROM namespace_label) n
		WHERE n.cluster = namespace_label.cluster AND n.namespace = namespace_label.namespace AND n.began = namespace_label.valid_from
			AND ifnull(namespace_label.valid_to, n.valid_from) >= n.valid_from`},
}
