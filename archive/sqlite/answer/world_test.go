package answer_test

import (
	"encoding/csv"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/archive/query/querytest"
	"heapstash/archive/sqlite"
	"heapstash/internal/need"
	"heapstash/schema"
)

const begin = querytest.Begin

// world is an archive of made-up samples, and what stock sqlite3 reads of them.
type world struct {
	querytest.World
	path   string
	reader *sqlite.Reader
}

// newWorld makes an archive of some days.
func newWorld(t *testing.T, seed uint64, days int) *world {
	t.Helper()
	w := &world{path: filepath.Join(t.TempDir(), "a.db")}
	store, err := sqlite.Open(t.Context(), w.path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pass, err := store.BeginPass(t.Context(), archive.Pass{Cluster: "default"})
	if err != nil {
		t.Fatal(err)
	}
	for _, hour := range querytest.Generate(seed, days) {
		for _, batch := range hour.Batches {
			batch.Pass = pass
			if _, err := store.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		if hour.End%3600 == 0 {
			if _, err := store.Upkeep(t.Context(), hour.End); err != nil {
				t.Fatal(err)
			}
		}
	}
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

// read has stock sqlite3 read the samples, in order of time.
func (w *world) read(t *testing.T) {
	t.Helper()
	number := func(text string) schema.Instant {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return schema.Instant(n)
	}
	subject := func(names []string) querytest.Subject {
		kind, err := schema.ParseKind(names[1])
		if err != nil {
			t.Fatal(err)
		}
		return querytest.Subject{Cluster: names[0], Entity: schema.Entity{Kind: kind, Namespace: names[2], Pod: names[3], Container: names[4], Node: names[5], Labels: names[6]}}
	}
	for _, r := range w.stock(t, "SELECT cluster, kind, namespace, pod, container, node, labels, metric, ts, iif(typeof(value) = 'real', printf('%!.17g', value), value), typeof(value) = 'real' FROM samples ORDER BY ts") {
		s := querytest.Sample{Subject: subject(r), Metric: schema.MetricName(r[7]), At: number(r[8])}
		if r[10] == "1" {
			v, err := strconv.ParseFloat(r[9], 64)
			if err != nil {
				t.Fatal(err)
			}
			s.Value = schema.Real(v)
		} else {
			s.Value = schema.Int(int64(number(r[9])))
		}
		w.Samples = append(w.Samples, s)
	}
	w.Incarnations = make(map[querytest.Subject][]querytest.Incarnation)
	for _, r := range w.stock(t, "SELECT cluster, namespace, pod, node, labels, owner_kind, owner, valid_from, valid_to, present FROM pod_identities ORDER BY valid_from") {
		pod := querytest.Subject{Cluster: r[0], Entity: schema.PodEntity(r[1], r[2])}
		w.Incarnations[pod] = append(w.Incarnations[pod], querytest.Incarnation{
			Window: schema.Window{From: number(r[7]), To: number(r[8])}, Present: r[9] == "1", Node: r[3], Labels: r[4], OwnerKind: r[5], Owner: r[6],
		})
	}
	w.Lives = make(map[querytest.Subject]schema.Window)
	for _, r := range w.stock(t, "SELECT cluster, kind, namespace, pod, container, node, labels, first_seen, last_seen FROM entities") {
		w.Lives[subject(r)] = schema.Window{From: number(r[7]), To: number(r[8])}
	}
	if len(w.Samples) < 10_000 {
		t.Fatalf("only %d samples", len(w.Samples))
	}
}

// stock runs a statement in the sqlite3 shell: nothing of its rows comes through
// these packages.
func (w *world) stock(t *testing.T, statement string) [][]string {
	t.Helper()
	cmd := exec.Command(need.Program(t, "sqlite3"), "-readonly", "-csv", w.path)
	cmd.Stdin = strings.NewReader(statement + ";\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v\n%s\n%s", err, out, statement)
	}
	records, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	if err != nil {
		t.Fatalf("sqlite3: %v\n%s\n%s", err, out, statement)
	}
	return records
}
