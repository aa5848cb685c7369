package sqlite_test

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

const noon = schema.Instant(1506513600) // 2017-09-27T12:00:00Z

var web0 = schema.PodEntity("shop", "web-0")

func row(e schema.Entity, at schema.Instant, readings ...schema.Reading) schema.Row {
	return schema.Row{Entity: e, At: at, Readings: readings}
}

func reading(m schema.MetricName, v int64) schema.Reading { return readingOf(m, schema.Int(v)) }

func readingOf(m schema.MetricName, v schema.Value) schema.Reading {
	return schema.Reading{Metric: m, Value: v}
}

func TestWriteKeepsEveryValueExactly(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	for i, v := range []schema.Value{
		schema.Int(0), schema.Int(-1), schema.Int(1<<53 + 1), schema.Int(math.MaxInt64), schema.Int(math.MinInt64),
		schema.Real(2), schema.Real(0.2551), schema.Real(-2.5e-7),
	} {
		at := noon + schema.Instant(60*i)
		write(t, s, row(web0, at,
			readingOf("memory/usage", v), readingOf("custom/ünï %?", v), readingOf("cpu/usage", v)))
		want := fmt.Sprintf("integer|%v|1", v)
		if _, isInt := v.Int64(); !isInt {
			want = fmt.Sprintf("real|%v|1", v)
		}
		if v == schema.Real(-2.5e-7) { // which the shell spells with an exponent
			want = "real|-2.5e-07|1"
		}
		for _, metric := range []string{"memory/usage", "custom/ünï %?", "cpu/usage"} {
			got := stock(t, path, fmt.Sprintf("SELECT typeof(value), value, value = %v FROM samples WHERE metric = '%s' AND ts = %d", v, metric, at))
			if got != want {
				t.Errorf("%s:\n got %s\nwant %s", metric, got, want)
			}
		}
	}
}

func TestWriteStoresASampleOnce(t *testing.T) {
	for _, metric := range []schema.MetricName{"memory/usage", "custom/queue"} {
		for _, tier := range []string{"hot", "cold"} {
			t.Run(fmt.Sprint(metric, " ", tier), func(t *testing.T) {
				path := newPath(t)
				s := open(t, path)
				put := func(v schema.Value) archive.Written {
					return write(t, s, row(web0, noon, readingOf(metric, v)))
				}
				if got := put(schema.Int(7)); got != (archive.Written{New: 1}) {
					t.Errorf("first: %+v", got)
				}
				if tier == "cold" {
					compact(t, s, noon.Add(2*time.Hour), 1)
				}
				if got := put(schema.Int(7)); got != (archive.Written{Duplicates: 1}) {
					t.Errorf("again: %+v", got)
				}
				if got := put(schema.Int(8)); got != (archive.Written{Conflicts: 1}) {
					t.Errorf("another value: %+v", got)
				}
				if got := put(schema.Int(8)); got != (archive.Written{Conflicts: 1}) {
					t.Errorf("the other value again: %+v", got)
				}
				if got := put(schema.Real(7.5)); got != (archive.Written{Duplicates: 1}) {
					t.Errorf("the exact value that 7 was cut from: %+v", got)
				}
				if got := put(schema.Int(7)); got != (archive.Written{Duplicates: 1}) {
					t.Errorf("7 as cut from 7.5: %+v", got)
				}
				if got := stock(t, path, "SELECT value FROM samples"); got != "7.5" {
					t.Errorf("stored: %s", got)
				}
				if got := stock(t, path, "SELECT kept, refused FROM conflicts"); got != "7|8" {
					t.Errorf("conflicts: %s", got)
				}
			})
		}
	}
}

func TestWriteFillsARowThatIsThere(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	write(t, s, row(web0, noon, reading("memory/usage", 1)))
	write(t, s, row(web0, noon, reading("memory/rss", 2)))
	compact(t, s, noon.Add(2*time.Hour), 1)
	got := write(t, s, row(web0, noon, reading("memory/cache", 3), reading("memory/usage", 1)))
	if got != (archive.Written{New: 1, Duplicates: 1}) {
		t.Errorf("late metric: %+v", got)
	}
	if got := stock(t, path, "SELECT memory_usage, memory_rss, memory_cache FROM pod"); got != "1|2|3" {
		t.Errorf("pod: %s", got)
	}
}

func TestWriteTellsKindsAndLabelsApart(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	sda, gpu := schema.NodeEntity("n1"), schema.ContainerEntity("ml", "train-0", "worker")
	sda.Labels, gpu.Labels = "resource_id:/dev/sda1", "accelerator_id:GPU-0,make:nvidia,model:tesla:k80"
	write(t, s,
		row(schema.ClusterEntity(), noon, reading("cpu/limit", 1)),
		row(schema.NodeEntity("n1"), noon, reading("cpu/limit", 2)),
		row(schema.NamespaceEntity("shop"), noon, reading("cpu/limit", 3)),
		row(web0, noon, reading("cpu/limit", 4)),
		row(schema.ContainerEntity("shop", "web-0", "nginx"), noon, reading("cpu/limit", 5)),
		row(schema.SystemContainerEntity("n1", "kubelet"), noon, reading("cpu/limit", 6)), // no column there
		row(sda, noon, reading("filesystem/usage", 7), reading("disk/io_read_bytes", 8)),
		row(gpu, noon, reading("accelerator/memory_used", 9)),
	)
	got := stock(t, path, "SELECT kind, namespace, pod, container, node, labels, metric, value FROM samples ORDER BY value")
	want := `cluster||||||cpu/limit|1
node||||n1||cpu/limit|2
namespace|shop|||||cpu/limit|3
pod|shop|web-0||||cpu/limit|4
container|shop|web-0|nginx|||cpu/limit|5
system_container|||kubelet|n1||cpu/limit|6
node||||n1|resource_id:/dev/sda1|filesystem/usage|7
node||||n1|resource_id:/dev/sda1|disk/io_read_bytes|8
container|ml|train-0|worker||accelerator_id:GPU-0,make:nvidia,model:tesla:k80|accelerator/memory_used|9`
	if got != want {
		t.Errorf("samples:\n%s", got)
	}
	for view, want := range map[string]string{
		"SELECT kind, node, resource_id, filesystem_usage FROM filesystem":                  "node|n1|/dev/sda1|7",
		"SELECT kind, node, resource_id, disk_io_read_bytes FROM disk":                      "node|n1|/dev/sda1|8",
		"SELECT pod, accelerator_id, make, model, accelerator_memory_used FROM accelerator": "train-0|GPU-0|nvidia|tesla:k80|9",
		"SELECT namespace, pod, container, cpu_limit FROM container":                        "shop|web-0|nginx|5",
	} {
		if got := stock(t, path, view); got != want {
			t.Errorf("%s:\n got %s\nwant %s", view, got, want)
		}
	}
}

// compact fails the test unless it moves so many rows.
func compact(t *testing.T, s *sqlite.Store, now schema.Instant, want int64) {
	t.Helper()
	moved, err := upkeep.CompactSome(t.Context(), s.Writer, now)
	if err != nil {
		t.Fatal(err)
	}
	if moved != want {
		t.Fatalf("compaction at %v moved %d rows, want %d", now, moved, want)
	}
}

func TestCompactMovesClosedHoursOnly(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	for minute := range 180 {
		write(t, s, row(web0, noon.Add(time.Duration(minute)*time.Minute),
			reading("memory/usage", int64(minute)), reading("custom/q", int64(minute))))
	}
	all := stock(t, path, "SELECT ts, metric, value FROM samples ORDER BY ts, metric")
	compact(t, s, noon.Add(79*time.Minute), 0)
	compact(t, s, noon.Add(80*time.Minute), 120) // the hour ended 20 minutes ago
	compact(t, s, noon.Add(80*time.Minute), 0)
	if got := stock(t, path, "SELECT count(*) FROM pod_cold; SELECT count(*) FROM pod_hot"); got != "60\n120" {
		t.Errorf("cold and hot: %s", got)
	}
	compact(t, s, noon.Add(500*time.Minute), 240)
	if got := stock(t, path, "SELECT ts, metric, value FROM samples ORDER BY ts, metric"); got != all {
		t.Error("compaction changed what the samples view shows")
	}
	// Behind the compaction, rows go where readers and later passes find them.
	late := schema.PodEntity("shop", "late")
	write(t, s, row(late, noon, reading("memory/usage", 1)))
	if got := stock(t, path, "SELECT count(*) FROM pod_hot"); got != "0" {
		t.Errorf("hot rows: %s", got)
	}
	if got := stock(t, path, "SELECT value FROM samples WHERE pod = 'late'"); got != "1" {
		t.Errorf("late row: %s", got)
	}
}

func TestMemoryIsWhatWasWritten(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	shop := schema.Scope{Kind: schema.Pod, Name: "shop"}
	gone := schema.PodEntity("shop", "gone")
	_, err := s.Write(t.Context(), archive.Batch{
		Pass: begin(t, s), Cluster: "default", Horizon: noon,
		Watermarks: map[schema.Scope]schema.Instant{shop: noon},
		Asked:      map[schema.Scope][]schema.MetricName{shop: {"memory/usage"}},
		Carried:    map[schema.Entity][]schema.MetricName{web0: {"custom/q"}},
		Appeared:   []schema.Entity{web0, gone}, Seen: noon,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Write(t.Context(), archive.Batch{
		Pass: begin(t, s), Cluster: "default", Horizon: noon + 60,
		Vanished: map[schema.Entity]schema.Instant{gone: noon},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	m, err := s.Memory(t.Context(), "default")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(m); got != fmt.Sprint(archive.Memory{
		Horizon:    noon + 60,
		Failure:    "the process died in this pass", // none of these passes was ended
		Watermarks: map[schema.Scope]schema.Instant{shop: noon},
		Asked:      map[schema.Scope]map[schema.MetricName]bool{shop: {"memory/usage": true}},
		Entities:   map[schema.Entity]schema.Instant{web0: 0, gone: noon},
		Carried:    map[schema.Entity][]schema.MetricName{web0: {"custom/q"}},
	}) {
		t.Errorf("memory: %s", got)
	}
	other, err := s.Memory(t.Context(), "other")
	if err != nil || other.Horizon != 0 || len(other.Entities) != 0 {
		t.Errorf("another cluster's memory: %+v, %v", other, err)
	}
	if got := stock(t, path, "SELECT pod, first_seen, last_seen, listed FROM entities ORDER BY pod"); got !=
		fmt.Sprintf("gone|%d|%d|0\nweb-0|%d|%d|1", noon, noon, noon, noon+60) {
		t.Errorf("entities: %s", got)
	}
}

func TestTwoClustersInOneArchive(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	for i, cluster := range []string{"blue", "green"} {
		_, err := s.Write(t.Context(), archive.Batch{Pass: begin(t, s), Cluster: cluster,
			Rows: []schema.Row{row(web0, noon, reading("memory/usage", int64(i)))}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := stock(t, path, "SELECT cluster, value FROM samples ORDER BY cluster"); got != "blue|0\ngreen|1" {
		t.Errorf("samples: %s", got)
	}
}

func TestLedgerKeepsPassesAndLastingHolesOnce(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	begin(t, s) // dies
	for range 2 {
		p := archive.Pass{ID: begin(t, s), Cluster: "default", Outcome: archive.OutcomePartial,
			Started: noon.Time(), Finished: noon.Time().Add(1500 * time.Millisecond), Gap: 2 * time.Minute}
		err := s.EndPass(t.Context(), p, []archive.Hole{
			{Cause: archive.CauseAllKeys, Lasting: true},
			{Cause: archive.CauseLate, Window: schema.Window{From: noon, To: noon + 119}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := stock(t, path, "SELECT id, outcome, duration_ms, gap_seconds FROM passes"); got != "1|abandoned||\n2|partial|1500|120\n3|partial|1500|120" {
		t.Errorf("passes:\n%s", got)
	}
	if got := stock(t, path, "SELECT pass, cause, lasting FROM holes"); got != "2|allkeys|1\n2|late|0\n3|late|0" {
		t.Errorf("holes:\n%s", got)
	}
	if got := stock(t, path, "SELECT pass, cause, seconds FROM gaps"); got != "2|late|120\n3|late|120" {
		t.Errorf("gaps:\n%s", got)
	}
}

func TestDerivedColumns(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	node := schema.NodeEntity("n1")
	for i, rx := range []int64{1000, 1150, 300, 330} { // it restarts before the third
		write(t, s,
			row(node, noon+schema.Instant(60*i), reading("cpu/usage_rate", 500), reading("cpu/node_allocatable", 2000),
				reading("cpu/node_utilization", 0), reading("memory/request", 1), reading("memory/node_allocatable", 0)),
			row(web0, noon+schema.Instant(60*i), reading("network/rx", rx), reading("network/rx_rate", 2)))
	}
	compact(t, s, noon.Add(2*time.Hour), 8)
	if got := stock(t, path, "SELECT derived_cpu_utilization, derived_cpu_reservation IS NULL, derived_memory_reservation IS NULL, cpu_node_utilization FROM node LIMIT 1"); got != "0.25|1|1|0" {
		t.Errorf("ratios: %s", got)
	}
	if got := stock(t, path, "SELECT group_concat(ifnull(derived_network_rx_per_second, 'NULL'), ' ') FROM pod_rates WHERE namespace = 'shop' AND pod = 'web-0'"); got != "NULL 2.5 5.0 0.5" {
		t.Errorf("rates: %s", got)
	}
	plan := stock(t, path, "EXPLAIN QUERY PLAN SELECT ts, derived_network_rx_per_second FROM pod_rates WHERE cluster = 'default' AND namespace = 'shop' AND pod = 'web-0'")
	if !strings.Contains(plan, "kind=? AND namespace=? AND pod=?") {
		t.Errorf("the plan does not reach the keys:\n%s", plan)
	}
}

func TestIdentitiesOfAPod(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	put := func(at schema.Instant, identity schema.Identity) {
		t.Helper()
		identity.Pod, identity.Since = web0, at
		_, err := s.Write(t.Context(), archive.Batch{Pass: begin(t, s), Cluster: "default", Horizon: at, Seen: at,
			Appeared: []schema.Entity{web0}, Identities: []schema.Identity{identity}})
		if err != nil {
			t.Fatal(err)
		}
	}
	put(noon, schema.Identity{UID: "a", Node: "n1", Labels: "app:web"})
	put(noon+60, schema.Identity{UID: "a", Node: "n1", Labels: "app:web,v:2", Images: "nginx=nginx:1.13",
		Owner: schema.Owner{Kind: "StatefulSet", Name: "web"}})
	m, err := s.Memory(t.Context(), "default")
	if err != nil || m.Identities[web0].Owner != (schema.Owner{Kind: "StatefulSet", Name: "web"}) {
		t.Errorf("memory: %+v, %v", m.Identities, err)
	}
	put(noon+120, schema.Identity{UID: "b", Node: "n2"})
	m, err = s.Memory(t.Context(), "default")
	if err != nil || m.Identities[web0].UID != "b" || m.Identities[web0].Since != noon+120 {
		t.Errorf("memory: %+v, %v", m.Identities, err)
	}
	if _, err := s.Write(t.Context(), archive.Batch{Pass: begin(t, s), Cluster: "default", Horizon: noon + 240,
		Vanished: map[schema.Entity]schema.Instant{web0: noon + 180}}); err != nil {
		t.Fatal(err)
	}
	got := stock(t, path, "SELECT uid, node, labels, images, owner_kind, owner, valid_from - 1506513600, valid_to - 1506513600, present FROM pod_identities")
	if got != "a|n1|app:web,v:2|nginx=nginx:1.13|StatefulSet|web|0|119|0\nb|n2|||||120|180|0" {
		t.Errorf("identities:\n%s", got)
	}
}

// TestIDsOfNamespaces: all that are known are told at once.
func TestIDsOfNamespaces(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	for _, step := range []struct {
		cluster string
		names   map[string]string
		want    map[string]string // of the cluster default
	}{
		{"default", map[string]string{"1": "blue", "2": "green"}, map[string]string{"1": "blue", "2": "green"}},
		{"other", map[string]string{"1": "red"}, map[string]string{"1": "blue", "2": "green"}},
		{"default", nil, map[string]string{"1": "blue", "2": "green"}},
		{"default", map[string]string{"3": "blue", "2": "green"}, map[string]string{"3": "blue", "2": "green"}},
		{"default", map[string]string{}, map[string]string{}},
	} {
		_, err := s.Write(t.Context(), archive.Batch{Pass: begin(t, s), Cluster: step.cluster, Horizon: noon, Seen: noon, NamespaceIDs: step.names})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := s.Memory(t.Context(), "default"); err != nil || !maps.Equal(m.NamespaceIDs, step.want) {
			t.Errorf("after %v: %v, %v", step.names, m.NamespaceIDs, err)
		}
	}
}

func TestLabelsOfANamespace(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	put := func(cluster string, at schema.Instant, labels string) {
		t.Helper()
		_, err := s.Write(t.Context(), archive.Batch{Pass: begin(t, s), Cluster: cluster, Horizon: at, Seen: at,
			NamespaceLabels: map[string]string{"shop": labels}})
		if err != nil {
			t.Fatal(err)
		}
	}
	put("default", noon, "team:a")
	put("default", noon, "team:b") // again in the same batch
	put("other", noon, "team:x")
	put("default", noon+60, "")
	put("default", noon+120, "team:c")
	put("default", noon+180, "team:d")
	m, err := s.Memory(t.Context(), "default")
	if err != nil || len(m.NamespaceLabels) != 1 || m.NamespaceLabels["shop"] != "team:d" {
		t.Errorf("memory: %+v, %v", m.NamespaceLabels, err)
	}
	got := stock(t, path, "SELECT cluster, labels, valid_from - 1506513600, valid_to - 1506513600, present FROM namespace_labels WHERE namespace = 'shop'")
	if got != "default|team:b|0|59|0\ndefault|team:c|120|179|0\ndefault|team:d|180|180|1\nother|team:x|0|0|1" {
		t.Errorf("labels:\n%s", got)
	}
}

// TestHistoryWhenTheClockIsSetBack: what is said last of a moment holds, and no
// watermark stays ahead of what was read by the new clock.
func TestHistoryWhenTheClockIsSetBack(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	shop, cart := schema.Scope{Kind: schema.Pod, Name: "shop"}, schema.Scope{Kind: schema.Pod, Name: "cart"}
	put := func(at schema.Instant, uid, labels string, scopes ...schema.Scope) {
		t.Helper()
		b := archive.Batch{Pass: begin(t, s), Cluster: "default", Horizon: at, Seen: at,
			Identities:      []schema.Identity{{Pod: web0, UID: uid, Since: at}},
			NamespaceLabels: map[string]string{"shop": labels}, Watermarks: make(map[schema.Scope]schema.Instant)}
		for _, scope := range scopes {
			b.Watermarks[scope] = at
		}
		if _, err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	history := func(want string) {
		t.Helper()
		got := stock(t, path, `SELECT group_concat(uid || ' ' || (valid_from - 1506513600) || ifnull(' ' || (valid_to - 1506513600), ''), ', ')
			FROM (SELECT * FROM pod_identity ORDER BY valid_from)`)
		if got != want {
			t.Errorf("identities: %s, want %s", got, want)
		}
		if got := checked(t, path); len(got) > 0 {
			t.Errorf("check: %v", got)
		}
	}
	put(noon, "a", "v:1", shop, cart)
	put(noon+600, "b", "v:2", shop, cart)
	history("a 0 599, b 600")
	put(noon+600, "c", "v:3")
	history("a 0 599, c 600") // of the same batch
	put(noon+300, "d", "v:4", shop)
	history("a 0 299, d 300") // the clock was set back
	put(noon+360, "e", "v:5", shop)
	put(noon+420, "d", "v:6", shop)
	history("a 0 299, d 300") // e was told too early
	put(noon+480, "", "v:7", shop)
	history("a 0 299, d 300 479,  480")
	if got := stock(t, path, "SELECT name, ts - 1506513600 FROM watermark"); got != "shop|480" {
		t.Errorf("watermarks: %s", got)
	}
	if got := stock(t, path, "SELECT group_concat(labels || ' ' || (valid_from - 1506513600)) FROM namespace_label"); got != "v:1 0,v:4 300,v:5 360,v:6 420,v:7 480" {
		t.Errorf("labels: %s", got)
	}
}
