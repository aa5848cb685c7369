package query_test

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/archive/sqlite"
	"heapstash/internal/need"
	"heapstash/schema"
)

const (
	begin      = schema.Instant(1506513600) // 2017-09-27T12:00:00Z
	resolution = 300
)

// world is an archive of made-up samples, and what stock sqlite3 reads of them.
type world struct {
	path    string
	reader  *sqlite.Reader
	samples []sample
	// pods are the incarnations of each cluster|namespace|pod, the oldest first.
	pods map[string][]incarnation

	// lives are when each thing was first and last seen.
	lives map[string][2]int64
	// segments are those of the plan that the oracle answers for.
	segments []query.Segment

	unrolled int // questions at a level of which no row was read
}

// sample is a row of the view samples.
type sample struct {
	cluster, kind, namespace, pod, container, node, labels, metric string
	ts                                                             int64
	value                                                          float64
	real                                                           bool // and no integer

	incarnation incarnation // of its pod; see world.identified
}

// incarnation is a row of the view pod_identities; to is the last moment of one
// that is there no more.
type incarnation struct {
	node, labels, ownerKind, owner string
	from, to                       int64
	present                        bool
}

// thing is something that lives for some of the world's time.
type thing struct {
	entity   schema.Entity
	metrics  []schema.MetricName
	always   bool // in every batch, with every metric
	from, to schema.Instant
	counters map[schema.MetricName]int64
}

// newWorld makes some days of samples: things that come and go, batches that
// are missing, values that are missing, counters that are reset. Of each kind
// there is a thing that is always there.
func newWorld(t *testing.T, seed uint64, days int) *world {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	end := begin + schema.Instant(days*24*3600+random.IntN(3600))
	var things []thing
	add := func(e schema.Entity, always bool, metrics ...schema.MetricName) {
		th := thing{entity: e, metrics: metrics, always: always, from: begin, to: end, counters: make(map[schema.MetricName]int64)}
		if !always {
			th.from += schema.Instant(random.IntN(days * 24 * 3600))
			th.to = th.from + schema.Instant(random.IntN(20*3600))
		}
		things = append(things, th)
	}
	add(schema.ClusterEntity(), true, "cpu/usage_rate", "cpu/request")
	for n := range 2 {
		node := fmt.Sprintf("node-%d", n)
		metrics := []schema.MetricName{"cpu/usage_rate", "cpu/usage", "memory/working_set", "cpu/node_utilization", "uptime"}
		if n == 1 {
			metrics = append(metrics, "cpu/node_allocatable")
		}
		add(schema.NodeEntity(node), true, metrics...)
		disk := schema.NodeEntity(node)
		disk.Labels = "resource_id:/dev/sda"
		add(disk, true, "filesystem/usage", "disk/io_read_bytes")
		disk.Labels = "resource_id:/dev/sdb"
		add(disk, false, "filesystem/usage", "disk/io_read_bytes")
	}
	for n, namespace := range []string{"shop", "ml", "jobs"} {
		add(schema.NamespaceEntity(namespace), true, "cpu/usage_rate")
		for p := range 4 {
			pod := schema.PodEntity(namespace, fmt.Sprintf("web-%d", p))
			add(pod, p == 0 && n < 2, "cpu/usage_rate", "memory/working_set", "memory/rss", "network/rx", "uptime", "custom/queue")
			add(schema.ContainerEntity(namespace, pod.Pod, "main"), p == 0, "cpu/usage_rate", "cpu/usage")
		}
	}

	w := &world{path: filepath.Join(t.TempDir(), "a.db")}
	store, err := sqlite.Open(t.Context(), w.path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pass, err := store.BeginPass(t.Context(), archive.Pass{Cluster: "default"})
	if err != nil {
		t.Fatal(err)
	}
	var batch []schema.Row
	outage := begin + schema.Instant(random.IntN(days*24*3600))
	for at := begin - begin%resolution; at < end; at += resolution {
		if at >= outage && at < outage+3*3600 || random.IntN(40) == 0 {
			continue // nobody was there
		}
		for _, th := range things {
			if at >= th.from && at < th.to && (th.always || random.IntN(30) != 0) {
				batch = append(batch, th.row(random, at))
			}
		}
		if at%3600 == 0 {
			w.write(t, store, pass, batch)
			batch = nil
			w.vanish(t, store, pass, things, at)
			w.remake(t, store, pass, random, things, at)
			if _, err := store.Upkeep(t.Context(), at); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.write(t, store, pass, batch)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if w.reader, err = sqlite.OpenReader(t.Context(), w.path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.reader.Close() })
	w.read(t)
	return w
}

// remake has some pods deleted, and made again: on any node, as another version,
// or by another owner. Of some nobody knows who they are, and one is gone.
func (w *world) remake(t *testing.T, store *sqlite.Store, pass archive.PassID, random *rand.Rand, things []thing, now schema.Instant) {
	t.Helper()
	b := archive.Batch{Pass: pass, Cluster: "default", Horizon: now, Vanished: make(map[schema.Entity]schema.Instant)}
	for _, th := range things {
		since := now - schema.Instant(random.IntN(3600))
		switch e := th.entity; {
		case e.Kind != schema.Pod || random.IntN(4) != 0 || now < th.from || now > th.to:
		case e.Pod == "web-3" && random.IntN(4) == 0:
			b.Vanished[e] = since
		default:
			b.Identities = append(b.Identities, schema.Identity{
				Pod: e, UID: fmt.Sprint("uid-", since), Node: fmt.Sprintf("node-%d", random.IntN(2)), Since: since,
				Labels: []string{"", "app:web", "app:web,version:v1", "my-app:x,version:v2", "app:web-2,app.kubernetes.io/name:shop"}[random.IntN(5)],
				Owner:  []schema.Owner{{}, {Kind: "StatefulSet", Name: "web"}, {Kind: "Deployment", Name: "web"}}[random.IntN(3)],
			})
		}
	}
	if _, err := store.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func (w *world) write(t *testing.T, store *sqlite.Store, pass archive.PassID, rows []schema.Row) {
	t.Helper()
	if _, err := store.Write(t.Context(), archive.Batch{Pass: pass, Cluster: "default", Rows: rows, Horizon: rows[len(rows)-1].At}); err != nil {
		t.Fatal(err)
	}
}

// vanish lets the things vanish that have ended in the hour before.
func (w *world) vanish(t *testing.T, store *sqlite.Store, pass archive.PassID, things []thing, at schema.Instant) {
	t.Helper()
	vanished := make(map[schema.Entity]schema.Instant)
	for _, th := range things {
		if th.to > at-3600 && th.to <= at {
			vanished[th.entity] = th.to
		}
	}
	if _, err := store.Write(t.Context(), archive.Batch{Pass: pass, Cluster: "default", Vanished: vanished, Horizon: at}); err != nil {
		t.Fatal(err)
	}
}

func (th *thing) row(random *rand.Rand, at schema.Instant) schema.Row {
	row := schema.Row{Entity: th.entity, At: at}
	for _, name := range th.metrics {
		if !th.always && random.IntN(20) == 0 {
			continue
		}
		value := schema.Int(random.Int64N(1000))
		if m, ok := schema.Lookup(name); ok && m.Type == schema.Cumulative {
			if random.IntN(100) == 0 {
				th.counters[name] = 0
			}
			th.counters[name] += random.Int64N(5000)
			value = schema.Int(th.counters[name])
		} else if m.Unit == schema.Ratio {
			value = schema.Real(random.Float64())
			if th.entity.Node == "node-1" { // which tells the parts of the ratio
				value = schema.Int(0)
			}
		} else if name == "cpu/node_allocatable" {
			value = schema.Int(4000)
			if day := at % (48 * 3600); day > 20*3600 && day < 21*3600+1000 {
				value = schema.Int(8000) // for a while
			}
			if random.IntN(300) == 0 {
				continue
			}
		}
		row.Readings = append(row.Readings, schema.Reading{Metric: name, Value: value})
	}
	return row
}

// read has stock sqlite3 read the samples, in order of time.
func (w *world) read(t *testing.T) {
	t.Helper()
	out := stock(t, w.path, "SELECT cluster, kind, namespace, pod, container, node, labels, metric, ts, value, typeof(value) = 'real' FROM samples")
	records, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		s := sample{cluster: r[0], kind: r[1], namespace: r[2], pod: r[3], container: r[4], node: r[5], labels: r[6], metric: r[7]}
		if s.ts, err = strconv.ParseInt(r[8], 10, 64); err != nil {
			t.Fatal(err)
		}
		if s.value, err = strconv.ParseFloat(r[9], 64); err != nil {
			t.Fatal(err)
		}
		s.real = r[10] == "1"
		w.samples = append(w.samples, s)
	}
	w.pods = make(map[string][]incarnation)
	out = stock(t, w.path, "SELECT cluster, namespace, pod, node, labels, owner_kind, owner, valid_from, valid_to, present FROM pod_identities ORDER BY valid_from")
	if records, err = csv.NewReader(strings.NewReader(out)).ReadAll(); err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		i := incarnation{node: r[3], labels: r[4], ownerKind: r[5], owner: r[6], from: number(r[7]), to: number(r[8]), present: r[9] == "1"}
		key := strings.Join(r[:3], "|")
		w.pods[key] = append(w.pods[key], i)
	}
	w.lives = make(map[string][2]int64)
	out = stock(t, w.path, "SELECT cluster, kind, namespace, pod, container, node, labels, first_seen, last_seen FROM entities")
	if records, err = csv.NewReader(strings.NewReader(out)).ReadAll(); err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		w.lives[strings.Join(r[:7], "|")] = [2]int64{number(r[7]), number(r[8])}
	}
	slices.SortFunc(w.samples, func(a, b sample) int { return cmp.Compare(a.ts, b.ts) })
	if len(w.samples) < 10_000 {
		t.Fatalf("only %d samples", len(w.samples))
	}
}

// stock runs a statement in the sqlite3 shell: nothing of what it says comes
// through these packages.
func stock(t *testing.T, path, statement string) string {
	t.Helper()
	cmd := exec.Command(need.Program(t, "sqlite3"), "-readonly", "-csv", path)
	cmd.Stdin = strings.NewReader(statement + ";\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v\n%s\n%s", err, out, statement)
	}
	return string(out)
}
