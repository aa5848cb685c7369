package collect_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/archive/sqlite"
	"heapstash/heapster"
	"heapstash/heapster/heapsim"
	"heapstash/heapster/heapstertest"
	"heapstash/internal/need"
	"heapstash/schema"
)

// world is a Heapster with a clock, an archive on disk, and passes between
// them. Everything but Heapster is real.
type world struct {
	t       *testing.T
	clock   atomic.Int64 // Unix seconds
	skew    atomic.Int64 // seconds that Heapster's clock is ahead
	sim     *heapstertest.Server
	url     *url.URL
	path    string
	options collect.Options
}

var noon = time.Date(2017, 9, 27, 12, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, quirks heapsim.Options) *world {
	w := &world{t: t, path: filepath.Join(t.TempDir(), "a.db"), options: collect.DefaultOptions()}
	w.set(noon)
	quirks.Now = w.heapsters
	w.sim = heapstertest.NewServer(quirks)
	server := httptest.NewServer(w.sim)
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	w.url = base
	w.options.Now = w.now
	w.options.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	return w
}

func (w *world) now() time.Time { return time.Unix(w.clock.Load(), 0).UTC() }

// heapsters is the time of Heapster's clock.
func (w *world) heapsters() time.Time { return time.Unix(w.clock.Load()+w.skew.Load(), 0).UTC() }

func (w *world) set(at time.Time) { w.clock.Store(at.Unix()) }

// feed moves the clock to so many minutes past noon and lets Heapster scrape.
func (w *world) feed(minute int, sets ...heapsim.Set) {
	at := noon.Add(time.Duration(minute) * time.Minute)
	w.set(at.Add(5 * time.Second))
	w.sim.Feed(heapsim.Batch{At: time.Unix(at.Unix()+w.skew.Load(), 0), Sets: sets})
}

// try makes a pass as `heapstash collect` does.
func (w *world) try(ctx context.Context) (collect.Summary, error) {
	w.t.Helper()
	client, err := heapster.New(http.DefaultClient, w.url, heapster.Options{Tries: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	store, err := sqlite.Open(ctx, w.path, sqlite.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	return collect.Run(ctx, client, store, w.options)
}

// interrupt makes a pass that is cancelled at the first request for the path.
func (w *world) interrupt(path string) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	w.sim.Inject(path, 0, func(http.Handler) http.Handler {
		cancel()
		return heapstertest.Hold(nil)(nil)
	})
	if _, err := w.try(ctx); !errors.Is(err, context.Canceled) {
		w.t.Fatal(err)
	}
	w.sim.Heal()
}

// pass makes a pass that must not fail, and checks its summary.
func (w *world) pass(outcome archive.Outcome, samples int) collect.Summary {
	w.t.Helper()
	summary, err := w.try(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if summary.Pass.Outcome != outcome || summary.Pass.New != samples || summary.Pass.Conflicts != 0 {
		w.t.Errorf("the pass at %v was %s with %d new samples and %d conflicts, want %s with %d\nholes: %+v", w.now().Format(time.TimeOnly),
			summary.Pass.Outcome, summary.Pass.New, summary.Pass.Conflicts, outcome, samples, summary.Holes)
	}
	return summary
}

// sql asks the stock shell.
func (w *world) sql(statement string) string {
	w.t.Helper()
	out, err := exec.Command(need.Program(w.t, "sqlite3"), "-readonly", w.path, statement).CombinedOutput()
	if err != nil {
		w.t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// want compares a statement's answer.
func (w *world) want(statement, want string) {
	w.t.Helper()
	if got := w.sql(statement); got != want {
		w.t.Errorf("%s\n got %s\nwant %s", statement, strings.ReplaceAll(got, "\n", " "), strings.ReplaceAll(want, "\n", " "))
	}
}

func causes(s collect.Summary) string {
	var causes []string
	for _, h := range s.Holes {
		causes = append(causes, fmt.Sprintf("%s:%s", h.Scope(), h.Cause))
	}
	slices.Sort(causes)
	return strings.Join(causes, " ")
}

// set is one entity's part of a batch.
func set(e schema.Entity, values map[schema.MetricName]int64) heapsim.Set {
	s := heapsim.Set{Entity: e, Values: make(map[schema.MetricName]schema.Value)}
	for m, v := range values {
		s.Values[m] = schema.Int(v)
	}
	return s
}

// small is a cluster with one node and one namespace with these pods. Every
// value is the minute, which identifies the sample's batch. It has 2 + 1 + 1
// samples, and 2 for each pod.
func small(minute int, pods ...string) []heapsim.Set {
	v := int64(minute)
	sets := []heapsim.Set{
		set(schema.ClusterEntity(), map[schema.MetricName]int64{"memory/usage": v, "memory/request": v}),
		set(schema.NodeEntity("n1"), map[schema.MetricName]int64{"cpu/usage": v}),
		set(schema.NamespaceEntity("shop"), map[schema.MetricName]int64{"memory/request": v}),
	}
	for _, pod := range pods {
		sets = append(sets, set(schema.PodEntity("shop", pod), map[schema.MetricName]int64{"memory/usage": v, "memory/rss": v}))
	}
	return sets
}

// logTo writes the passes' log to w as well.
func (w *world) logTo(to io.Writer) {
	w.options.Log = slog.New(slog.NewTextHandler(to, nil))
}
