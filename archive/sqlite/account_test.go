package sqlite_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/repair"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

// TestCheckMissesSamples: whatever becomes of passes and of what they stored,
// the ledger tells how many samples should be there, and one that is not is
// missed.
func TestCheckMissesSamples(t *testing.T) {
	path := newPath(t)
	ledger := func(what, want string) {
		t.Helper()
		if got := checked(t, path); len(got) > 0 {
			t.Errorf("%s: %v", what, got)
		}
		got := stock(t, path, "SELECT group_concat(outcome || ' ' || samples_new || ' ' || samples_duplicate || ' ' || conflicts, ', ') FROM (SELECT * FROM passes ORDER BY id)")
		if got != want {
			t.Errorf("%s: the ledger has %s, want %s", what, got, want)
		}
		// One of each table goes.
		for _, table := range []string{"pod_hot", "narrow_hot"} {
			torn := another(t, path)
			tear(t, torn, "DELETE FROM "+table+" WHERE (ts, entity_id) = (SELECT ts, entity_id FROM "+table+" LIMIT 1)")
			if got := checked(t, torn); !slices.Equal(got, []string{"samples-lost"}) {
				t.Errorf("%s, and a row less in %s: %v", what, table, got)
			}
		}
	}
	pass := func(at schema.Instant, value int64, end archive.Outcome) {
		t.Helper()
		s := open(t, path)
		id, err := s.BeginPass(t.Context(), archive.Pass{Cluster: "default", Started: at.Time()})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []schema.MetricName{"memory/usage", "custom/q"} {
			b := archive.Batch{Pass: id, Cluster: "default", Horizon: at, Seen: at, Rows: []schema.Row{row(web0, at, reading(m, value), reading("cpu/limit", 1))}}
			if _, err := s.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		if end != archive.OutcomeRunning {
			if err := s.EndPass(t.Context(), archive.Pass{ID: id, Cluster: "default", Started: at.Time(), Finished: at.Time(), Outcome: end}, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	pass(noon, 1, archive.OutcomeComplete)
	ledger("a pass", "complete 3 1 0")
	pass(noon, 2, archive.OutcomePartial)
	ledger("one that brings nothing new", "complete 3 1 0, partial 0 2 2")
	pass(noon+60, 1, archive.OutcomeFailed)
	ledger("one that failed after it had written", "complete 3 1 0, partial 0 2 2, failed 3 1 0")
	pass(noon+120, 1, archive.OutcomeRunning)
	ledger("one that died", "complete 3 1 0, partial 0 2 2, failed 3 1 0, running 3 1 0")
	pass(noon+180, 1, archive.OutcomeComplete)
	ledger("one after it", "complete 3 1 0, partial 0 2 2, failed 3 1 0, abandoned 3 1 0, complete 3 1 0")
}

// TestCheckMissesSamplesOfPruned: what was pruned is not missed, whatever went
// of the ledger with it, and what was not is, at every turn.
func TestCheckMissesSamplesOfPruned(t *testing.T) {
	path := newPath(t)
	end := fillArchive(t, path)
	for _, raw := range []map[schema.Kind]time.Duration{
		{schema.Pod: 8 * day},
		{schema.Pod: 3 * day, schema.Container: 5 * day},
		{schema.Pod: 2 * day, schema.Container: 2 * day, schema.Node: 2 * day, schema.Namespace: 2 * day, schema.Cluster: 2 * day, schema.SystemContainer: 2 * day},
	} {
		opts := sqlite.Options{Retention: archive.Retention{archive.Raw: raw}}
		for turns := 0; ; turns++ {
			s, err := sqlite.Open(t.Context(), path, opts)
			if err != nil {
				t.Fatal(err)
			}
			gone, err := upkeep.PruneSome(t.Context(), s.Writer, end)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if got := checked(t, path); len(got) > 0 {
				t.Fatalf("after %d turns of %v: %v", turns, raw, got)
			}
			if gone == 0 {
				break
			}
		}
		torn := another(t, path)
		tear(t, torn, "UPDATE cluster_cold SET memory_usage = NULL WHERE ts = (SELECT max(ts) FROM cluster_cold)")
		if got := checked(t, torn); !slices.Contains(got, "samples-lost") {
			t.Errorf("of what is left of %v, a sample less: %v", raw, got)
		}
	}
	if got := stock(t, path, "SELECT count(*) > 50 AND min(id) > 300 FROM pass WHERE id > 1"); got != "1" {
		t.Errorf("passes went: %s", got)
	}
	// An archive that was pruned before there was an account.
	torn := another(t, path)
	tear(t, torn, "DELETE FROM setting WHERE name = 'gone'; DELETE FROM pod_cold")
	if got := checked(t, torn); len(got) > 0 {
		t.Errorf("of what nobody counted: %v", got)
	}
}

// TestRepairSettlesTheAccount: samples that are lost are said to be, once.
func TestRepairSettlesTheAccount(t *testing.T) {
	path := another(t, variety(t))
	tear(t, path, "DELETE FROM pod_hot; DELETE FROM cluster_hot; DELETE FROM node_hot")
	if got := checked(t, path); !slices.Equal(got, []string{"samples-lost"}) {
		t.Errorf("check: %v", got)
	}
	ofSamples := func(done repair.Report) []repair.Correction {
		return slices.DeleteFunc(done.Corrected, func(m repair.Correction) bool { return m.Table == "rollup_due" }) // rollups are made anew
	}
	to, done := repaired(t, path)
	want := fmt.Sprintf("[{pass samples that passes had stored are lost %s}]", stock(t, path,
		"SELECT (SELECT sum(samples_new) FROM pass) - (SELECT count(*) FROM samples)"))
	if got := fmt.Sprint(ofSamples(done)); got != want {
		t.Errorf("mended: %s, want %s", got, want)
	}
	if _, done := repaired(t, to); len(ofSamples(done)) > 0 {
		t.Errorf("again: %v", done.Corrected)
	}
}
