package sqlite_test

import (
	"slices"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/schema"
)

func TestHoles(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	p := archive.Pass{Cluster: "default", Started: time.Unix(1000, 0)}
	var err error
	if p.ID, err = s.BeginPass(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	err = s.EndPass(t.Context(), p, []archive.Hole{
		{Cause: archive.CauseStale, Detail: "no time is known"},
		{Cause: archive.CauseLate, Detail: "too late", Window: schema.Window{From: 600, To: 779}},
		{Entity: schema.NodeEntity("n1"), Metric: "memory/usage", Cause: archive.CauseUnreachable, Detail: "500",
			Window: schema.Window{From: 900, To: 959}},
		{Cause: archive.CauseAllKeys, Detail: "refused", Lasting: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	late := archive.RecordedHole{Cluster: "default", Pass: p.ID, Started: 1000, Scope: "pass", Cause: "late", Detail: "too late", From: 600, To: 779, Seconds: 180}
	node := archive.RecordedHole{Cluster: "default", Pass: p.ID, Started: 1000, Scope: "node/n1", Metric: "memory/usage", Cause: "unreachable", Detail: "500", From: 900, To: 959, Seconds: 60}
	stale := archive.RecordedHole{Cluster: "default", Pass: p.ID, Started: 1000, Scope: "pass", Cause: "stale", Detail: "no time is known"}
	keys := archive.RecordedHole{Cluster: "default", Pass: p.ID, Started: 1000, Scope: "pass", Cause: "allkeys", Detail: "refused", Lasting: true}

	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, test := range []struct {
		since schema.Instant
		want  []archive.RecordedHole
	}{
		{0, []archive.RecordedHole{late, node, stale, keys}},
		{779, []archive.RecordedHole{late, node, stale, keys}},
		{780, []archive.RecordedHole{node, stale, keys}},
		{1000, []archive.RecordedHole{stale, keys}},
		{1001, []archive.RecordedHole{}},
	} {
		got, err := r.Holes(t.Context(), test.since)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, test.want) || got == nil {
			t.Errorf("since %d:\n got %+v\nwant %+v", test.since, got, test.want)
		}
	}
}
