package archivetest

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// memory returns what the archive remembers, with its lists in order.
func (b *bench) memory(of string) archive.Memory {
	b.Helper()
	s := b.open()
	defer b.close(s)
	m, err := s.Memory(b.Context(), of)
	if err != nil {
		b.Fatal(err)
	}
	for _, metrics := range m.Carried {
		slices.Sort(metrics)
	}
	return m
}

// nothing is the memory of a cluster that the archive does not know.
func nothing() archive.Memory {
	return archive.Memory{
		Watermarks: map[schema.Scope]schema.Instant{}, Asked: map[schema.Scope]map[schema.MetricName]bool{},
		Entities: map[schema.Entity]schema.Instant{}, Carried: map[schema.Entity][]schema.MetricName{},
		Identities: map[schema.Entity]schema.Identity{}, NamespaceLabels: map[string]string{}, NamespaceIDs: map[string]string{},
	}
}

func (b *bench) remembers(want archive.Memory) {
	b.Helper()
	if got := b.memory(cluster); !reflect.DeepEqual(got, want) {
		b.Errorf("the memory is\n%+v, want\n%+v", got, want)
	}
}

// remembers: each field of a batch is in the memory of the next pass.
func remembers(b *bench) {
	b.remembers(nothing())
	shop, n1 := web.Scope(), node.Scope()
	b.write(cluster, archive.Batch{
		Horizon:         noon,
		Watermarks:      map[schema.Scope]schema.Instant{shop: noon, n1: noon - minute},
		Asked:           map[schema.Scope][]schema.MetricName{shop: {"memory/usage", "custom/x"}},
		Carried:         map[schema.Entity][]schema.MetricName{web: {"custom/x"}},
		Appeared:        []schema.Entity{web, db, node},
		Seen:            noon,
		NamespaceLabels: map[string]string{"shop": "team:a"},
		NamespaceIDs:    map[string]string{"id-1": "shop", "id-2": "ml"},
	})
	want := nothing()
	want.Horizon, want.Passed = noon, noon.Time()
	want.Watermarks = map[schema.Scope]schema.Instant{shop: noon, n1: noon - minute}
	want.Asked = map[schema.Scope]map[schema.MetricName]bool{shop: {"memory/usage": true, "custom/x": true}}
	want.Carried = map[schema.Entity][]schema.MetricName{web: {"custom/x"}}
	want.Entities = map[schema.Entity]schema.Instant{web: 0, db: 0, node: 0}
	want.NamespaceLabels = map[string]string{"shop": "team:a"}
	want.NamespaceIDs = map[string]string{"id-1": "shop", "id-2": "ml"}
	b.remembers(want)

	// Lists add; watermarks move, and None drops one; ids take the place of ids.
	b.write(cluster, archive.Batch{
		Horizon:         noon + minute,
		Watermarks:      map[schema.Scope]schema.Instant{shop: noon + minute, n1: 0},
		Asked:           map[schema.Scope][]schema.MetricName{shop: {"custom/x", "cpu/usage"}},
		Carried:         map[schema.Entity][]schema.MetricName{web: {"custom/a", "custom/x"}},
		Vanished:        map[schema.Entity]schema.Instant{db: noon},
		Seen:            noon + minute,
		NamespaceLabels: map[string]string{"shop": "", "ml": "team:b"},
		NamespaceIDs:    map[string]string{"id-3": "shop"},
	})
	want.Horizon = noon + minute
	want.Watermarks = map[schema.Scope]schema.Instant{shop: noon + minute}
	want.Asked[shop]["cpu/usage"] = true
	want.Carried[web] = []schema.MetricName{"custom/a", "custom/x"}
	want.Entities[db] = noon
	want.NamespaceLabels = map[string]string{"ml": "team:b"}
	want.NamespaceIDs = map[string]string{"id-3": "shop"}
	b.remembers(want)
}

// forgets: an entity that is not listed any more is remembered for
// [archive.Recently], and known again when it comes back.
func forgets(b *bench) {
	b.write(cluster, archive.Batch{Horizon: noon, Seen: noon, Appeared: []schema.Entity{web, db}, Carried: map[schema.Entity][]schema.MetricName{db: {"custom/x"}}})
	gone := map[schema.Entity]schema.Instant{db: noon}
	b.write(cluster, archive.Batch{Horizon: noon + minute, Vanished: gone})
	last := noon.Add(archive.Recently)
	b.write(cluster, archive.Batch{Horizon: last})
	if m := b.memory(cluster); m.Entities[db] != noon || len(m.Carried[db]) != 1 {
		b.Errorf("at %v, %v is forgotten: %+v", last, db, m)
	}
	b.write(cluster, archive.Batch{Horizon: last + 1})
	if m := b.memory(cluster); len(m.Entities) != 1 || len(m.Carried) != 0 {
		b.Errorf("after %v, %v is remembered: %+v", last, db, m)
	}
	b.write(cluster, archive.Batch{Horizon: last + minute, Seen: last + minute, Appeared: []schema.Entity{db}})
	if m := b.memory(cluster); len(m.Entities) != 2 || m.Entities[db] != 0 || len(m.Carried[db]) != 1 {
		b.Errorf("%v came back: %+v", db, m)
	}
}

// clockSetBack: a horizon that goes back drops the watermarks beyond it, because
// what lies behind them was not read.
func clockSetBack(b *bench) {
	marks := map[schema.Scope]schema.Instant{web.Scope(): noon, node.Scope(): noon - hour}
	b.write(cluster, archive.Batch{Horizon: noon, Watermarks: marks})
	b.write("test", archive.Batch{Horizon: noon, Watermarks: marks})
	b.write(cluster, archive.Batch{Horizon: noon - minute})
	want := nothing()
	want.Horizon, want.Passed = noon-minute, noon.Time()
	want.Watermarks = map[schema.Scope]schema.Instant{node.Scope(): noon - hour}
	b.remembers(want)
	if m := b.memory("test"); len(m.Watermarks) != 2 {
		b.Errorf("the other cluster's watermarks: %v", m.Watermarks)
	}
}

// remembersIdentities: the pod that has a name now is the one that was told last.
func remembersIdentities(b *bench) {
	first := schema.Identity{Pod: web, UID: "u1", Node: "n1", Labels: "app:web", Images: "app=img:1", Owner: schema.Owner{Kind: "Deployment", Name: "web"}, Since: noon}
	check := func(step string, want ...schema.Identity) {
		b.Helper()
		m := b.memory(cluster)
		if len(m.Identities) != len(want) || len(want) == 1 && m.Identities[web] != want[0] {
			b.Errorf("%s: %+v, want %+v", step, m.Identities, want)
		}
	}
	tell := func(at schema.Instant, all ...schema.Identity) {
		b.write(cluster, archive.Batch{Horizon: at, Seen: at, Appeared: []schema.Entity{web}, Identities: all})
	}
	tell(noon, first)
	check("told", first)
	moved := first
	moved.Node, moved.Labels, moved.Since = "n2", "app:web,v:2", noon+minute
	tell(noon+minute, moved)
	moved.Since = noon
	check("changed", moved)
	second := schema.Identity{Pod: web, UID: "u2", Node: "n1", Since: noon + 2*minute}
	tell(noon+2*minute, second)
	check("made anew", second)
	b.write(cluster, archive.Batch{Horizon: noon + 3*minute, Vanished: map[schema.Entity]schema.Instant{web: noon + 2*minute}})
	check("ended")
	third := schema.Identity{Pod: web, UID: "u3", Since: noon + 4*minute}
	other := third
	other.UID = "u4"
	tell(noon+4*minute, third, other)
	check("two of one moment: the last holds", other)

	b.write(cluster, archive.Batch{Rows: []schema.Row{row(web, noon, "memory/usage", 1)}})
	var pods []string
	b.series(archive.Selection{Incarnations: true}, func(one *archive.Series) {
		for _, pod := range one.Incarnations {
			pods = append(pods, fmt.Sprint(pod.UID, " ", int64(pod.From-noon), " ", int64(max(pod.To-noon, 0))))
		}
	})
	if want := []string{"u1 0 119", "u2 120 120", "u4 240 0"}; !slices.Equal(pods, want) {
		b.Errorf("the pods with the name were %q, want %q", pods, want)
	}
}

// ledger: passes and holes are read as they were recorded.
func ledger(b *bench) {
	from := schema.Window{From: noon, To: noon + minute - 1}
	lost := archive.Hole{Entity: schema.PodEntity("shop", ""), Cause: archive.CauseRefused, Detail: "no", Window: from}
	lasts := archive.Hole{Entity: web, Metric: "custom/x", Cause: archive.CauseUnaddressable, Detail: "a name", Lasting: true}
	whole := archive.Hole{Cause: archive.CauseLate, Detail: "late", Window: schema.Window{From: noon - hour, To: noon - 1}}

	s := b.open()
	p := b.begin(s, cluster)
	if _, err := s.Write(b.Context(), archive.Batch{Pass: p.ID, Cluster: cluster, Rows: []schema.Row{row(web, noon, "memory/usage", 1)}, Holes: []archive.Hole{lost}}); err != nil {
		b.Fatal(err)
	}
	p.Outcome, p.Horizon, p.Newest, p.Gap = archive.OutcomePartial, noon, noon, time.Minute
	b.end(s, p, lasts, whole)
	b.close(s)

	s = b.open() // and dies
	b.begin(s, "test")
	b.close(s)

	s = b.open()
	p = b.begin(s, cluster)
	p.Started = noon.Add(time.Minute).Time()
	p.Outcome, p.Error = archive.OutcomeFailed, "unreachable"
	b.end(s, p, lasts)
	b.close(s)

	if m := b.memory(cluster); m.Failure != "unreachable" {
		b.Errorf("the failure is %q", m.Failure)
	}
	r := b.reader()
	status, err := r.Status(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	holes, err := r.Holes(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	var outcomes []archive.Outcome
	for _, p := range status.Passes {
		outcomes = append(outcomes, p.Outcome)
	}
	if want := []archive.Outcome{archive.OutcomeFailed, archive.OutcomeAbandoned, archive.OutcomePartial}; !slices.Equal(outcomes, want) {
		b.Errorf("passes, the newest first: %v, want %v", outcomes, want)
	}
	if p := status.Passes[2]; p.Cluster != cluster || p.GapSeconds != 60 || p.Started != noon || p.New != 1 && !b.NoCounts {
		b.Errorf("the first pass: %+v", p)
	}
	var causes []archive.Cause
	for _, h := range holes {
		causes = append(causes, h.Cause)
		if h.Cause == archive.CauseRefused && (h.From != noon || h.To != noon+minute-1 || h.Seconds != 60 || h.Cluster != cluster || h.Pass != 1 || h.Detail != "no") {
			b.Errorf("a hole: %+v", h)
		}
	}
	slices.Sort(causes)
	if want := []archive.Cause{archive.CauseLate, archive.CauseRefused, archive.CauseUnaddressable}; !slices.Equal(causes, want) {
		b.Errorf("holes: %v, want %v: a lasting one is recorded once", causes, want)
	}
}
