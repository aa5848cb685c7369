package clickhouse_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/archive/clickhouse/conn"
	"heapstash/schema"
)

// TestRetentionOfCluster: passes delete what is old of their own cluster, and whatever
// another cluster in the database has stays: samples, names and its ledger.
func TestRetentionOfCluster(t *testing.T) {
	server := clickhousetest.Start(t)
	database := server.Database(t)
	address := "clickhouse://" + server.Address + "/" + database
	const day = 24 * 60 * 60
	now := schema.InstantOf(time.Date(2017, 9, 27, 12, 0, 0, 0, time.UTC))
	// Of these months, prod alone has June, and test alone has July.
	august, july, june := now-40*day, now-70*day, now-100*day
	pod := schema.PodEntity("shop", "web")
	labelled := schema.NodeEntity("n")
	labelled.Labels = "resource_id:/"
	pass := func(cluster string, retention archive.Retention, at schema.Instant, times ...schema.Instant) (deleted int64) {
		t.Helper()
		s, err := clickhouse.Open(t.Context(), address, clickhouse.Options{Retention: retention})
		if err != nil {
			t.Fatal(err)
		}
		p := archive.Pass{Cluster: cluster, Started: at.Time(), Finished: at.Time(), Outcome: archive.OutcomeComplete}
		if p.ID, err = s.BeginPass(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		b := archive.Batch{Pass: p.ID, Cluster: cluster, Horizon: at, Seen: at}
		gone := schema.PodEntity("shop", fmt.Sprint("gone-", at))
		for _, ts := range times {
			for _, e := range []schema.Entity{pod, gone} {
				b.Rows = append(b.Rows, schema.Row{Entity: e, At: ts, Readings: []schema.Reading{{Metric: "memory/usage", Value: schema.Int(1)}, {Metric: "custom/x", Value: schema.Int(1)}}})
			}
			b.Rows = append(b.Rows, schema.Row{Entity: labelled, At: ts, Readings: []schema.Reading{{Metric: "filesystem/usage", Value: schema.Int(1)}}})
		}
		if len(times) > 0 {
			b.Vanished = map[schema.Entity]schema.Instant{gone: times[0]}
			b.Identities = []schema.Identity{{Pod: gone, UID: "u1", Since: times[0] - 60}, {Pod: gone, UID: "u2", Since: times[0]}}
		}
		if _, err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		done, err := s.Upkeep(t.Context(), now)
		if err != nil || s.Warning() != "" {
			t.Fatalf("%v, %s", err, s.Warning())
		}
		hole := archive.Hole{Entity: pod, Cause: archive.CauseRefused, Window: schema.Window{From: at - 60, To: at}}
		if err := s.EndPass(t.Context(), p, []archive.Hole{hole}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return done.Deleted
	}
	// At first, nothing is old.
	pass("prod", nil, june, june)
	pass("test", nil, july, july)
	for _, cluster := range []string{"prod", "test"} {
		pass(cluster, nil, august, august, now-3*day)
		pass(cluster, nil, now, now)
	}
	c, _, err := conn.Open(t.Context(), address, conn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// rows returns how many days before now the cluster's rows are, by table.
	rows := func(cluster string) (all []string) {
		t.Helper()
		for _, of := range []string{"pod_rows ts", "filesystem_rows ts", "narrow_rows ts", "pass_rows started", "hole_rows to_ts", "entity_rows last_seen", "pod_identity_rows valid_to"} {
			var table, column string
			fmt.Sscan(of, &table, &column)
			var days []int64
			err := c.QueryRow(t.Context(), fmt.Sprintf("SELECT arraySort(groupUniqArray(intDiv(%d - %s, %d))) FROM %s FINAL WHERE cluster = ? AND %[2]s != 0", now, column, day, table), cluster).Scan(&days)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprint(table, days))
		}
		return all
	}
	month := func(days time.Duration) archive.Retention {
		kept := make(map[schema.Kind]time.Duration)
		for _, kind := range schema.Kinds() {
			kept[kind] = days * 24 * time.Hour
		}
		return archive.Retention{archive.Raw: kept}
	}
	check := func(when string, prod, test []string) {
		t.Helper()
		if got := rows("prod"); !slices.Equal(got, prod) {
			t.Errorf("%s, prod has\n%v, want\n%v", when, got, prod)
		}
		if got := rows("test"); !slices.Equal(got, test) {
			t.Errorf("%s, test has\n%v, want\n%v", when, got, test)
		}
	}
	of := func(samples, passes string) []string {
		return []string{"pod_rows" + samples, "filesystem_rows" + samples, "narrow_rows" + samples, "pass_rows" + passes, "hole_rows" + passes, "entity_rows" + passes, "pod_identity_rows" + passes}
	}
	test := of("[0 3 40 70]", "[0 40 70]")
	check("before", of("[0 3 40 100]", "[0 40 100]"), test)
	if n := pass("prod", month(30), now); n == 0 {
		t.Error("nothing is deleted")
	}
	check("after a pass of prod", of("[0 3]", "[0]"), test)
	if n := pass("test", month(60), now); n == 0 {
		t.Error("nothing of test is deleted")
	}
	check("after a pass of test", of("[0 3]", "[0]"), of("[0 3 40]", "[0 40]"))
	pass("prod", month(30), now)
	pass("test", nil, now)
	check("after all", of("[0 3]", "[0]"), of("[0 3 40]", "[0 40]"))
	var done []string
	if err := c.QueryRow(t.Context(), "SELECT arraySort(groupUniqArray(name)) FROM setting_rows WHERE name LIKE 'pruned%'").Scan(&done); err != nil || !slices.Equal(done, []string{"pruned prod", "pruned test"}) {
		t.Errorf("the settings are %q, %v", done, err)
	}
}
