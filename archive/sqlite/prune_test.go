package sqlite_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

const day = 24 * time.Hour

// fillArchive makes an archive of ten days, a batch every half hour, with a pass
// each: hot and cold rows, labelled ones, narrow ones, conflicts, a pod that
// lives throughout, one that ends on the second day, and holes. It returns the
// time of the last batch.
func fillArchive(t *testing.T, path string) schema.Instant {
	t.Helper()
	s := open(t, path)
	sda := schema.NodeEntity("n1")
	sda.Labels = "resource_id:/dev/sda1"
	brief := schema.PodEntity("batch", "brief")
	nginx := schema.ContainerEntity("shop", "web-0", "nginx")
	begin, end := noon, noon.Add(10*day)
	for at := begin; at <= end; at = at.Add(30 * time.Minute) {
		pass := archive.Pass{Cluster: "default", Started: at.Time(), Finished: at.Time(), Outcome: archive.OutcomeComplete}
		var err error
		if pass.ID, err = s.BeginPass(t.Context(), pass); err != nil {
			t.Fatal(err)
		}
		v := int64(at)
		b := archive.Batch{Pass: pass.ID, Cluster: "default", Horizon: at, Seen: at,
			Watermarks: map[schema.Scope]schema.Instant{{Kind: schema.Pod, Name: "shop"}: at},
			Rows: []schema.Row{
				row(schema.ClusterEntity(), at, reading("memory/usage", v)),
				row(schema.NodeEntity("n1"), at, reading("memory/usage", v), reading("custom/n", v)),
				row(sda, at, reading("filesystem/usage", v), reading("disk/io_read_bytes", v)),
				row(web0, at, reading("memory/usage", v), reading("custom/a", v), reading("custom/b", 1)),
				row(nginx, at, reading("cpu/usage", v)),
			}}
		switch since := at.Sub(begin); {
		case since == 0:
			b.Appeared = []schema.Entity{schema.ClusterEntity(), schema.NodeEntity("n1"), sda, web0, nginx, brief,
				schema.PodEntity("shop", "silent"), schema.PodEntity("shop", "late")}
			b.Carried = map[schema.Entity][]schema.MetricName{brief: {"custom/a"}}
			b.Identities = []schema.Identity{{Pod: web0, UID: "a", Since: at}, {Pod: brief, UID: "b", Since: at}}
			b.Watermarks[schema.Scope{Kind: schema.Pod, Name: "batch"}] = at
			b.Asked = map[schema.Scope][]schema.MetricName{
				{Kind: schema.Pod, Name: "batch"}: {"memory/usage"}, {Kind: schema.Pod, Name: "shop"}: {"memory/usage"}}
			b.NamespaceLabels = map[string]string{"shop": "team:a"}
			b.Holes = []archive.Hole{{Cause: archive.CauseAllKeys, Lasting: true}, {Cause: archive.CauseLate}}
		case since == day:
			b.Identities = []schema.Identity{{Pod: web0, UID: "c", Since: at}}
			b.NamespaceLabels = map[string]string{"shop": "team:b"}
			b.Holes = []archive.Hole{{Cause: archive.CauseLate, Window: schema.Window{From: at - 60, To: at}}}
		case since == 36*time.Hour:
			b.Vanished = map[schema.Entity]schema.Instant{brief: at}
		case since == 9*day:
			b.Vanished = map[schema.Entity]schema.Instant{schema.PodEntity("shop", "late"): at}
		}
		if at.Sub(begin) < 36*time.Hour {
			b.Rows = append(b.Rows, row(brief, at, reading("memory/usage", v)))
		}
		if at.Sub(begin)%(12*time.Hour) == 0 {
			b.Rows = append(b.Rows, row(web0, at, reading("memory/usage", -1)))
		}
		if _, err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if err := s.EndPass(t.Context(), pass, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := upkeep.Compact(t.Context(), path, sqlite.Options{}, end.Time()); err != nil {
		t.Fatal(err)
	}
	return end
}

const (
	everySample = "SELECT cluster, kind, namespace, pod, container, node, labels, metric, ts, value FROM samples"
	inOrder     = " ORDER BY kind, labels, pod, metric, ts"
	healthy     = "PRAGMA integrity_check; PRAGMA foreign_key_check; SELECT count(*) FROM pod_hot WHERE ts IN (SELECT ts FROM pod_cold)"
)

// What is left is exactly what the stock shell says should be, and what is gone
// is what the dry run foretold.
func TestPruneLeavesWhatIsYoungEnough(t *testing.T) {
	path := newPath(t)
	end := fillArchive(t, path)
	kept := archive.Retention{archive.Raw: map[schema.Kind]time.Duration{
		schema.Pod: 8 * day, schema.Container: 3 * day, schema.Node: 5 * time.Hour,
	}}
	// Noon less eight days, down to midnight; less three days and five hours,
	// of which less than a week is kept, to the hour.
	pods, containers, nodes := end.Add(-8*day-12*time.Hour), end.Add(-3*day), end.Add(-5*time.Hour)
	young := fmt.Sprintf(` WHERE ts >= CASE kind WHEN 'pod' THEN %d WHEN 'container' THEN %d WHEN 'node' THEN %d ELSE 0 END`,
		pods, containers, nodes)
	want := stock(t, path, everySample+young+inOrder)
	old := strings.Replace(young, " WHERE", " WHERE NOT", 1)
	foretold := stock(t, path, "SELECT kind, count(*), min(ts), max(ts) FROM samples"+old+" GROUP BY kind ORDER BY kind")

	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	would, err := r.Prunable(t.Context(), kept, false, end.Add(1000*day).Time())
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	rows := make(map[string]int64)
	for _, k := range would.Kinds {
		got = append(got, fmt.Sprintf("%v|%d|%d|%d", k.Kind, k.Samples, k.Oldest, k.Newest))
		rows[k.Kind.String()] = k.Rows
	}
	if got := strings.Join([]string{got[2], got[0], got[1]}, "\n"); got != foretold {
		t.Errorf("the dry run says\n%s\nwant\n%s", got, foretold)
	}

	held := stock(t, path, "SELECT count(*) FROM samples")
	if would.Held == nil || fmt.Sprint(*would.Held) != held {
		t.Errorf("the dry run says that there are %v samples, want %s", would.Held, held)
	}
	goes := stock(t, path, "SELECT count(*) FROM samples"+old)
	if total := would.Total(); fmt.Sprint(total.Samples) != goes || total.Held <= 0 || total.Held > would.Used {
		t.Errorf("in all, the dry run says %+v, want %s samples, of %d bytes", total, goes, would.Used)
	}

	p, err := upkeep.Prune(t.Context(), path, sqlite.Options{Retention: kept}, end.Add(1000*day).Time())
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(p.Rows) != fmt.Sprint(rows) {
		t.Errorf("pruned %v, the dry run had %v", p.Rows, rows)
	}
	if got := stock(t, path, everySample+inOrder); got != want {
		t.Errorf("%d lines are left, want %d", strings.Count(got, "\n"), strings.Count(want, "\n"))
	}
	if got := stock(t, path, healthy+"; PRAGMA freelist_count"); got != "ok\n0\n0" {
		t.Errorf("afterwards: %s", got)
	}
	// Clusters and namespaces are kept for ever, and so is what is about all.
	if p.Passes != 0 || p.Holes != 0 || p.Identities != 0 {
		t.Errorf("of the ledger or of identities went something: %+v", p)
	}
	again, err := upkeep.Prune(t.Context(), path, sqlite.Options{Retention: kept}, end.Time())
	if err != nil || again.AllRows() != 0 {
		t.Errorf("again: %+v, %v", again, err)
	}
}

func TestPruneForgetsWhatNothingRefersTo(t *testing.T) {
	path := newPath(t)
	end := fillArchive(t, path)
	kept := make(map[schema.Kind]time.Duration)
	for _, kind := range schema.Kinds() {
		kept[kind] = 7 * day
	}
	cutoff := end.Add(-7*day - 12*time.Hour)
	passes := stock(t, path, fmt.Sprintf("SELECT count(*) + 1 FROM pass WHERE started >= %d", cutoff)) // and the one with the lasting hole
	p, err := upkeep.Prune(t.Context(), path, sqlite.Options{
		Retention: archive.Retention{archive.Raw: kept, archive.Hourly: kept, archive.Daily: kept}}, end.Time())
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		// Gone is brief, and not who is listed or was lately, though without samples.
		"SELECT group_concat(pod) FROM (SELECT pod FROM entity WHERE kind = 'pod' ORDER BY pod)": "late,silent,web-0",
		"SELECT count(*) FROM entity":                                         "7",
		"SELECT count(*) FROM carried":                                        "0",
		"SELECT uid FROM pod_identity":                                        "c",
		"SELECT labels FROM namespace_label":                                  "team:b",
		"SELECT name FROM watermark; SELECT name FROM asked":                  "shop\nshop",
		"SELECT cause, lasting FROM hole":                                     "allkeys|1",
		"SELECT count(*) FROM pass":                                           passes,
		"SELECT min(ts) FROM samples":                                         fmt.Sprint(int64(cutoff)),
		fmt.Sprintf("SELECT count(*), min(ts) >= %d FROM conflict", cutoff):   "16|1",
		"PRAGMA foreign_key_check; PRAGMA integrity_check; PRAGMA page_count": "ok\n" + stock(t, path, "PRAGMA page_count"),
	} {
		if got := stock(t, path, query); got != want {
			t.Errorf("%s:\n got %s\nwant %s", query, got, want)
		}
	}
	if p.Entities != 1 || p.Identities != 2 || p.Holes != 2 || p.BytesNow >= p.BytesThen {
		t.Errorf("pruned %+v", p)
	}
	// The pod that is gone comes back as if it were new.
	s := open(t, path)
	got := write(t, s, row(schema.PodEntity("batch", "brief"), end, reading("memory/usage", 1)))
	if got != (archive.Written{New: 1}) {
		t.Errorf("written: %+v", got)
	}
}

// A conflict may be younger than its pass, if clocks differ: such a pass stays.
func TestPruneKeepsPassesReferredTo(t *testing.T) {
	path := newPath(t)
	end := fillArchive(t, path)
	shell(t, path, fmt.Sprintf("INSERT INTO conflict VALUES ((SELECT id FROM entity WHERE pod = 'web-0'), 1, %d, 1, 2, 50)", end))
	kept := make(map[schema.Kind]time.Duration)
	for _, kind := range schema.Kinds() {
		kept[kind] = 7 * day
	}
	if _, err := upkeep.Prune(t.Context(), path, sqlite.Options{Retention: archive.Retention{archive.Raw: kept}}, end.Time()); err != nil {
		t.Fatal(err)
	}
	if got := stock(t, path, "PRAGMA foreign_key_check; SELECT id FROM pass ORDER BY id LIMIT 2"); got != "1\n50" {
		t.Errorf("passes left: %s", got)
	}
}

// Passes prune a little each, and get there; each leaves an archive that is
// whole, also when the store is closed and opened in between.
func TestPruneLittleByLittle(t *testing.T) {
	path := newPath(t)
	end := fillArchive(t, path)
	// Rows enough for several passes.
	s := open(t, path)
	var rows []schema.Row
	for minute := range 7 * 24 * 60 { // more of one pod than of a transaction
		rows = append(rows, row(schema.PodEntity("many", "long"), noon.Add(time.Duration(minute)*time.Minute), reading("memory/usage", 1)))
	}
	for i := range 200 {
		for minute := range 600 {
			rows = append(rows, row(schema.PodEntity("many", fmt.Sprint(i)), noon.Add(time.Duration(minute)*time.Minute), reading("memory/usage", 1)))
		}
	}
	write(t, s, rows...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	cutoff := end.Add(-2 * day)
	all := stock(t, path, fmt.Sprintf("SELECT count(*) FROM pod_cold WHERE ts < %d", cutoff))
	want := stock(t, path, fmt.Sprintf("%s WHERE ts >= CASE kind WHEN 'pod' THEN %d ELSE 0 END%s", everySample, cutoff, inOrder))
	var gone int64
	passes := 0
	for done := false; !done; passes++ {
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{Retention: archive.Retention{archive.Raw: map[schema.Kind]time.Duration{schema.Pod: 2 * day}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := upkeep.CompactSome(t.Context(), s.Writer, end); err != nil {
			t.Fatal(err)
		}
		rows, err := upkeep.PruneSome(t.Context(), s.Writer, end)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if rows > 60_000 {
			t.Errorf("a pass pruned %d rows", rows)
		}
		// No row goes before its hour is rolled up.
		due := stock(t, path, "SELECT count(*) FROM rollup_due WHERE level = 'hourly'")
		if early := stock(t, path, "SELECT count(*) FROM rollup_due d WHERE level = 'hourly' AND table_name = 'pod' AND NOT EXISTS (SELECT 1 FROM pod_cold c WHERE c.entity_id = d.entity_id AND c.ts BETWEEN d.ts AND d.ts + 3599)"); early != "0" {
			t.Fatalf("%s hours that are due have lost their rows", early)
		}
		gone += rows
		done = rows == 0 && due == "0"
		if got := stock(t, path, healthy); got != "ok\n0" {
			t.Fatalf("after pass %d: %s", passes, got)
		}
		if passes > 20 {
			t.Fatal("it does not end")
		}
	}
	if passes < 4 {
		t.Errorf("it was done in %d passes", passes)
	}
	if got := stock(t, path, everySample+inOrder); got != want {
		t.Errorf("%d lines are left, want %d; %s wide rows were to go, %d rows went",
			strings.Count(got, "\n"), strings.Count(want, "\n"), all, gone)
	}
}

// Without a retention nothing goes, whatever its age.
func TestPruneKeepsEverythingByDefault(t *testing.T) {
	path := newPath(t)
	end := fillArchive(t, path)
	all := stock(t, path, everySample+inOrder)
	p, err := upkeep.Prune(t.Context(), path, sqlite.Options{}, end.Add(10000*day).Time())
	if err != nil || p.AllRows() != 0 {
		t.Errorf("Prune: %+v, %v", p, err)
	}
	s := open(t, path)
	if rows, err := upkeep.PruneSome(t.Context(), s.Writer, end.Add(10000*day)); err != nil || rows != 0 {
		t.Errorf("in a pass: %d, %v", rows, err)
	}
	if got := stock(t, path, everySample+inOrder); got != all {
		t.Error("samples are gone")
	}
}

// Where raw rows alone are pruned, what they came to stays, and with it the
// names and incarnations that it is of; hours and days go by times of their own.
func TestPruneKeepsRollups(t *testing.T) {
	path := newPath(t)
	end := fillArchive(t, path)
	all := func(keep time.Duration) map[schema.Kind]time.Duration {
		kept := make(map[schema.Kind]time.Duration)
		for _, kind := range schema.Kinds() {
			kept[kind] = keep
		}
		return kept
	}
	const (
		hours = "SELECT * FROM samples_hourly ORDER BY kind, node, pod, container, labels, metric, ts"
		days  = "SELECT * FROM samples_daily ORDER BY kind, node, pod, container, labels, metric, ts"
		names = "SELECT count(*) FROM entity WHERE pod <> 'late'; SELECT uid FROM pod_identity ORDER BY uid; SELECT labels FROM namespace_label ORDER BY labels"
	)
	wantHours, wantDays, wantNames := stock(t, path, hours), stock(t, path, days), stock(t, path, names)
	prune := func(retention archive.Retention) {
		t.Helper()
		if _, err := upkeep.Prune(t.Context(), path, sqlite.Options{Retention: retention}, end.Time()); err != nil {
			t.Fatal(err)
		}
		if got := checked(t, path); len(got) > 0 {
			t.Errorf("check: %v", got)
		}
	}
	prune(archive.Retention{archive.Raw: all(5 * time.Hour)})
	if got := stock(t, path, "SELECT min(ts) FROM samples"); got != fmt.Sprint(int64(end.Add(-5*time.Hour))) {
		t.Errorf("the first sample is of %s", got)
	}
	if got := stock(t, path, hours); got != wantHours {
		t.Errorf("hours: %s", firstDifference(got, wantHours))
	}
	if got := stock(t, path, days); got != wantDays {
		t.Errorf("days: %s", firstDifference(got, wantDays))
	}
	if got := stock(t, path, names); got != wantNames {
		t.Errorf("names: %s", firstDifference(got, wantNames))
	}

	// A row that comes late for an hour that was pruned does not spoil it.
	s := open(t, path)
	write(t, s, row(web0, noon.Add(time.Minute), reading("memory/usage", 1<<40)))
	if _, err := upkeep.CompactSome(t.Context(), s.Writer, end); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := stock(t, path, hours); got != wantHours {
		t.Errorf("hours after a late row: %s", firstDifference(got, wantHours))
	}

	prune(archive.Retention{archive.Raw: all(5 * time.Hour), archive.Hourly: all(3 * day)})
	cutoff := end.Add(-3*day - 12*time.Hour) // noon, down to midnight
	if got := stock(t, path, "SELECT min(ts) FROM samples_hourly"); got != fmt.Sprint(int64(cutoff)) {
		t.Errorf("the first hour is %s, want %d", got, cutoff)
	}
	if got := stock(t, path, days); got != wantDays {
		t.Errorf("days after hours went: %s", firstDifference(got, wantDays))
	}
}

// TestMaxSize: what is oldest goes until the archive is small enough, raw rows
// before hours, and passes do it little by little.
func TestMaxSize(t *testing.T) {
	path := newPath(t)
	end := fillArchive(t, path)
	used := func() (bytes int64) {
		text := stock(t, path, "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size")
		if _, err := fmt.Sscan(text, &bytes); err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	wantHours := stock(t, path, "SELECT count(*) FROM samples_hourly")
	limit := used() - 100_000
	for passes := 0; used() > limit; passes++ {
		if passes > 50 {
			t.Fatalf("%d bytes are still in use, of which %d may be", used(), limit)
		}
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{MaxSize: limit})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := upkeep.PruneSome(t.Context(), s.Writer, end); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := stock(t, path, "SELECT count(*) FROM samples_hourly"); got != wantHours {
		t.Errorf("%s hours are left of %s, though raw rows are", got, wantHours)
	}
	first := stock(t, path, "SELECT min(ts) > 1506513600, min(ts) % 86400, min(ts) < 1506513600 + 9 * 86400 FROM samples")
	if first != "1|0|1" {
		t.Errorf("the first sample: %s", first)
	}
	if got := checked(t, path); len(got) > 0 {
		t.Errorf("check: %v", got)
	}

	// With next to nothing allowed, what is young stays.
	if _, err := upkeep.Prune(t.Context(), path, sqlite.Options{MaxSize: 1}, end.Time()); err != nil {
		t.Fatal(err)
	}
	first = stock(t, path, fmt.Sprintf("SELECT (%d - min(ts)) / 3600 FROM samples; SELECT min(ts) = %d FROM samples_hourly; SELECT count(*) > 0 FROM pod_daily", end, noon))
	if first != "6\n1\n1" {
		t.Errorf("what is left: %s", first)
	}
}
