package collect_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/heapster/heapsim"
	"heapstash/internal/need"
	"heapstash/schema"
)

// liar serves Heapster's answers and puts one text into some of them. It keeps
// what it served.
type liar struct {
	truly   http.Handler
	picks   uint8  // which answers
	offset  uint16 // where in them
	cut     uint8  // how many bytes are left out there
	mutants string

	mu     sync.Mutex
	asked  int
	served map[string][]string // bodies by path
	truths map[string][]string // those of them that nothing was put into
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Del("Accept-Encoding")
	answer := httptest.NewRecorder()
	l.truly.ServeHTTP(answer, r)
	body := answer.Body.String()

	l.mu.Lock()
	truth := body
	if l.picks == 0 || l.asked%int(l.picks) == int(l.picks)-1 {
		at := min(int(l.offset), len(body))
		body = body[:at] + l.mutants + body[min(at+int(l.cut), len(body)):]
	}
	l.asked++
	l.served[r.URL.Path] = append(l.served[r.URL.Path], body)
	if body == truth {
		l.truths[r.URL.Path] = append(l.truths[r.URL.Path], body)
	}
	l.mu.Unlock()
	w.WriteHeader(answer.Code)
	fmt.Fprint(w, body)
}

// mostAllocated bounds what a pass over the small cluster may allocate in all,
// with the server in the same process, whatever the answers are: texts of 64 kB
// are put into some fifty answers.
const mostAllocated = 128 << 20

// FuzzPass makes a pass from a Heapster that lies into a real archive. It must
// not panic, its memory is bounded, and the file is sound. Every stored sample
// is in a body that was served, and every sample of an unchanged body is
// stored. The next pass, over the truth, must succeed.
func FuzzPass(f *testing.F) {
	const at = "2017-09-27T12:00:00Z"
	for _, seed := range []struct {
		picks  uint8
		offset uint16
		cut    uint8
		text   string
	}{
		{0, 0, 0, ""}, {1, 0, 255, "[]"}, {3, 2, 0, `"node:x",`}, {2, 1, 0, `"cluster","namespace:a/pod:b/container:c",`},
		{1, 0, 255, `{"metrics":[{"timestamp":"` + at + `","value":18446744073709551615}]}`},
		{1, 0, 255, `{"items":[{"metrics":[{"timestamp":"` + at + `","value":7,"floatValue":0.5}]}]}`},
		{5, 12, 0, `{"timestamp":"2262-01-01T00:00:00Z","value":1},`}, {1, 20, 10, "\x00"}, {1, 9, 0, `["custom/x"]`},
		{2, 0, 255, `[{"metrics":{"memory/usage":[{"end":"` + at + `","value":-1e300}]},"labels":{"nodename":"n1","container_name":"machine"}}]`},
		{7, 0, 255, `null`}, {1, 40, 4, `9e99`}, {4, 33, 20, `0001-01-01T00:00:00Z`},
		// A lie in few answers, beside which the others are to be stored.
		{20, 0, 255, `null`}, {23, 9, 0, `x`}, {31, 0, 255, `{"items":[]}`}, {45, 2, 0, `"custom/y",`}, {60, 0, 255, `{"metrics":[]}`}, {85, 30, 9, ``},
	} {
		f.Add(seed.picks, seed.offset, seed.cut, seed.text)
	}
	f.Fuzz(func(t *testing.T, picks uint8, offset uint16, cut uint8, text string) {
		if len(text) > 1<<16 {
			return
		}
		w := newWorld(t, heapsim.Options{})
		w.options.Log = slog.New(slog.DiscardHandler)
		l := &liar{truly: w.sim, picks: picks, offset: offset, cut: cut, mutants: text,
			served: make(map[string][]string), truths: make(map[string][]string)}
		server := httptest.NewServer(l)
		defer server.Close()
		truth := w.url
		var err error
		if w.url, err = url.Parse(server.URL); err != nil {
			t.Fatal(err)
		}
		for minute := range 2 {
			sets := small(minute, "a", "b")
			sets[1].Labelled = []heapsim.Labelled{{Metric: "filesystem/usage", Labels: map[string]string{"resource_id": "/dev/sda1"}, Value: schema.Int(int64(minute))}}
			sets = append(sets, set(schema.ContainerEntity("shop", "a", "c"), map[schema.MetricName]int64{"memory/usage": int64(minute), "custom/x": 3}))
			w.feed(minute, sets...)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		summary, err := w.try(t.Context())
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > mostAllocated {
			t.Errorf("%d MB were allocated", used>>20)
		}
		if err == nil && summary.Pass.ID == 0 {
			t.Error("a pass without a line in the ledger")
		}
		w.isTrue(l.served)
		if err == nil {
			w.isWhole(l.truths, summary)
		}

		// The next pass may find another cluster than it was told of.
		w.url = truth
		w.options.AcceptNewNodes = true
		if _, err := w.try(t.Context()); err != nil {
			t.Errorf("the truth after a lie: %v", err)
		}
		w.isSound()
	})
}

// isSound checks the file with the stock shell.
func (w *world) isSound() {
	w.t.Helper()
	w.want("PRAGMA integrity_check; PRAGMA foreign_key_check", "ok")
}

// storedSample is a row of the view samples.
type storedSample struct {
	Namespace, Pod, Container, Node, Metric, Type, Value string
	TS                                                   int64
}

func (r storedSample) of() string { return path.Join(r.Namespace, r.Pod, r.Node, r.Container) }

// stored returns all samples, without the kinds of their entities.
func (w *world) stored() (rows []storedSample) {
	w.t.Helper()
	out, err := exec.Command(need.Program(w.t, "sqlite3"), "-readonly", "-json", w.path, `SELECT coalesce(namespace, '') AS namespace, coalesce(pod, '') AS pod,
		coalesce(container, '') AS container, coalesce(node, '') AS node, metric, ts, typeof(value) AS type,
		CASE typeof(value) WHEN 'real' THEN printf('%!.17g', value) ELSE CAST(value AS TEXT) END AS value FROM samples`).Output()
	if err != nil {
		w.t.Fatal(err)
	}
	if len(out) > 0 {
		if err := json.Unmarshal(out, &rows); err != nil {
			w.t.Fatalf("%v in %s", err, out)
		}
	}
	return rows
}

// isTrue checks that every stored sample was served, with its value and time,
// by a path with its metric and entity.
func (w *world) isTrue(served map[string][]string) {
	w.t.Helper()
	w.isSound()
	known := make(map[string]bool)
	for path, bodies := range served {
		for _, body := range bodies {
			for _, sample := range samplesIn(path, body) {
				known[sample] = true
			}
		}
	}
	for _, r := range w.stored() {
		value := r.Value
		if r.Type == "real" {
			float, _, err := big.ParseFloat(strings.TrimPrefix(strings.Replace(value, "Inf", "", 1), "+"), 10, 53, big.ToNearestEven)
			if err != nil {
				w.t.Fatal(err)
			}
			value = float.Text('g', 17)
		}
		sample := fmt.Sprintf("%s %d %s", r.Metric, r.TS, value)
		if !known[sample+" of "+r.of()] && !known[sample+" exported of "+path.Join(r.Pod, r.Node, r.Container)] {
			w.t.Errorf("%s of %+v was never served", sample, r)
		}
	}
}

// isWhole checks that every true sample of the model API up to the horizon is
// stored, or in a hole of its scope. The stored value may be a lie about the
// same time.
//
// It does not judge the answers that were changed, because the code under test
// decides whether they are valid. Nor does it judge metric-export, which a pass
// ignores if a lie makes the lists another batch's.
func (w *world) isWhole(truths map[string][]string, summary collect.Summary) {
	w.t.Helper()
	has := make(map[string]bool)
	for _, r := range w.stored() {
		has[fmt.Sprintf("%s %d of %s", r.Metric, r.TS, r.of())] = true
	}
	for where, bodies := range truths {
		if strings.HasSuffix(where, "/metric-export") || isExcused(where, summary.Holes) {
			continue
		}
		for _, body := range bodies {
			for _, sample := range samplesIn(where, body) {
				parts := strings.SplitN(sample, " ", 4) // metric, time, value, of whom
				key := strings.Join([]string{parts[0], parts[1], parts[3]}, " ")
				if parts[1] <= fmt.Sprint(int64(summary.Pass.Horizon)) && !has[key] {
					w.t.Errorf("%s was shown by %s, no hole is there, and it is not stored", key, where)
				}
			}
		}
	}
}

// isExcused reports whether there is a hole in the scope of a path.
func isExcused(where string, holes []archive.Hole) bool {
	parts := strings.Split(strings.TrimPrefix(where, "/api/v1/model/"), "/")
	kind, name := schema.Cluster, ""
	if len(parts) > 1 && parts[0] != "metrics" {
		name = parts[1]
		has := func(part string) bool { return slices.Contains(parts, part) }
		switch {
		case has("containers"):
			kind = schema.Container
		case has("pods"), has("pod-list"):
			kind = schema.Pod
		case has("freecontainers"):
			kind = schema.SystemContainer
		case parts[0] == "nodes":
			kind = schema.Node
		default:
			kind = schema.Namespace
		}
	}
	return slices.ContainsFunc(holes, func(h archive.Hole) bool {
		of := h.Entity.Namespace + h.Entity.Node
		return h.Entity.Kind == 0 || h.Entity.Kind == kind && (of == "" || of == name)
	})
}

// samplesIn reads a body's samples with encoding/json only.
func samplesIn(where, body string) (samples []string) {
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	var answer any
	if dec.Decode(&answer) != nil {
		return nil
	}
	if strings.HasSuffix(where, "/metric-export") {
		sets, _ := answer.([]any)
		for _, set := range sets {
			set, _ := set.(map[string]any)
			labels, _ := set["labels"].(map[string]any)
			text := func(key string) string { s, _ := labels[key].(string); return s }
			of := path.Join(text("pod_name"), text("container_name"))
			switch container := text("container_name"); {
			case text("pod_name") != "" && container == "/pod":
				of = text("pod_name")
			case text("pod_name") == "" && container == "machine":
				of = text("nodename")
			case text("pod_name") == "":
				of = path.Join(text("nodename"), container)
			}
			metrics, _ := set["metrics"].(map[string]any)
			for metric, points := range metrics {
				for _, s := range pointsIn(metric, points, "end") {
					samples = append(samples, s+" exported of "+of)
				}
			}
		}
		return samples
	}
	entity, metric, found := strings.Cut(strings.TrimPrefix(where, "/api/v1/model"), "/metrics/")
	if !found {
		return nil
	}
	series, _ := answer.(map[string]any)
	parts := strings.Split(entity, "/") // "", namespaces, shop, pods, a, containers, c
	var names []string
	for i := 2; i < len(parts); i += 2 {
		names = append(names, parts[i])
	}
	if !strings.Contains(entity, "/pod-list/") {
		for _, s := range pointsIn(metric, series["metrics"], "timestamp") {
			samples = append(samples, s+" of "+path.Join(names...))
		}
		return samples
	}
	pods := strings.Split(names[1], ",")
	items, _ := series["items"].([]any)
	for i, item := range items[:min(len(items), len(pods))] {
		item, _ := item.(map[string]any)
		for _, s := range pointsIn(metric, item["metrics"], "timestamp") {
			samples = append(samples, s+" of "+path.Join(names[0], pods[i]))
		}
	}
	return samples
}

func pointsIn(metric string, list any, stamp string) (samples []string) {
	points, _ := list.([]any)
	for _, point := range points {
		point, _ := point.(map[string]any)
		text, _ := point[stamp].(string)
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			continue
		}
		number, _ := point["value"].(json.Number)
		if exact, ok := point["floatValue"].(json.Number); ok {
			number = exact
		}
		value := number.String()
		if whole, ok := new(big.Int).SetString(value, 10); ok && stamp == "timestamp" && whole.BitLen() == 64 && whole.Sign() > 0 {
			value = whole.Sub(whole, new(big.Int).Lsh(big.NewInt(1), 64)).String()
		}
		samples = append(samples, fmt.Sprintf("%s %d %s", metric, at.Unix(), value))
		if float, err := number.Float64(); err == nil {
			samples = append(samples, fmt.Sprintf("%s %d %s", metric, at.Unix(), big.NewFloat(float).Text('g', 17)))
		}
	}
	return slices.Compact(samples)
}
