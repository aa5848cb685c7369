package collect_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/archive/sqlite"
	"heapstash/heapster"
	"heapstash/heapster/heapsim"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

// slowTransport answers each request after a while. It uses no network, because
// a synctest bubble does not control its waits.
type slowTransport struct {
	http.Handler
	wait func(path string) time.Duration
}

func (s slowTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(s.wait(r.URL.Path)):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, r)
	return answer.Result(), nil
}

// slowWorld is a world in a bubble of time.
type slowWorld struct {
	*world
	wait func(path string) time.Duration
}

func newSlowWorld(t *testing.T, quirks heapsim.Options) *slowWorld {
	w := &slowWorld{world: &world{t: t, path: filepath.Join(t.TempDir(), "a.db"), options: collect.DefaultOptions()}}
	quirks.Now = time.Now
	w.sim = heapstertest.NewServer(quirks)
	w.url = &url.URL{Scheme: "http", Host: "heapster"}
	w.options.Concurrency = 2
	w.options.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	return w
}

func (w *slowWorld) feed(minute int, sets ...heapsim.Set) {
	w.sim.Feed(heapsim.Batch{At: time.Now(), Sets: sets})
}

// try makes a pass, and returns how long it took.
func (w *slowWorld) try(timeout time.Duration) (collect.Summary, time.Duration, error) {
	w.t.Helper()
	client, err := heapster.New(&http.Client{Transport: slowTransport{w.sim, func(path string) time.Duration { return w.wait(path) }}}, w.url,
		heapster.Options{Timeout: timeout})
	if err != nil {
		w.t.Fatal(err)
	}
	store, err := sqlite.Open(w.t.Context(), w.path, sqlite.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	began := time.Now()
	summary, err := collect.Run(w.t.Context(), client, store, w.options)
	return summary, time.Since(began), err
}

// TestPassEndsAtItsDeadline: a pass ends at its deadline although every answer
// comes just in time. What it read is stored, the rest are holes, and the next
// pass reads it.
func TestPassEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowWorld(t, heapsim.Options{})
		w.feed(0, small(0, "web-0", "web-1")...)
		w.wait = func(string) time.Duration { return 4 * time.Second }
		summary, took, err := w.try(10 * time.Second)
		if err != nil || summary.Pass.Outcome != archive.OutcomePartial || took != w.options.Deadline {
			t.Errorf("%s after %v, %v", summary.Pass.Outcome, took, err)
		}
		for _, h := range summary.Holes {
			if h.Cause != archive.CauseBudget || h.Lasting {
				t.Errorf("hole: %+v", h)
			}
		}
		if len(summary.Holes) == 0 || schema.HintOf(err) != "" {
			t.Errorf("holes: %+v", summary.Holes)
		}
		w.want("SELECT kind, count(*) FROM samples GROUP BY kind ORDER BY kind", "cluster|2\nnode|1")

		time.Sleep(20 * time.Second)
		w.feed(2, small(2, "web-0", "web-1")...)
		w.wait = func(string) time.Duration { return 0 }
		summary, took, err = w.try(10 * time.Second)
		if err != nil || summary.Pass.Outcome != archive.OutcomeComplete || took != 0 {
			t.Errorf("the next one: %s after %v, %v\n%+v", summary.Pass.Outcome, took, err, summary.Holes)
		}
		w.want("SELECT kind, count(*) FROM samples GROUP BY kind ORDER BY kind", "cluster|4\nnamespace|2\nnode|2\npod|8")
	})
}

// TestDeadlineOfEveryQuestion: a pass waits for no answer beyond its deadline,
// and a missing answer has no other cause in the ledger.
func TestDeadlineOfEveryQuestion(t *testing.T) {
	const ever = 1000 * time.Hour
	for name, test := range map[string]struct {
		quirks  heapsim.Options
		silent  string
		outcome archive.Outcome
	}{
		"cluster's names":  {heapsim.Options{}, `/model/metrics/$`, archive.OutcomeFailed},
		"cluster's series": {heapsim.Options{}, `/model/metrics/.`, archive.OutcomeFailed},
		"all keys":         {heapsim.Options{}, `/debug/allkeys`, archive.OutcomeFailed},
		"nodes":            {heapsim.Options{NoAllKeys: true}, `/model/nodes/$`, archive.OutcomeFailed},
		"list of pods":     {heapsim.Options{NoAllKeys: true}, `/namespaces/shop/pods/$`, archive.OutcomePartial},
		"series of pods":   {heapsim.Options{}, `/pod-list/`, archive.OutcomePartial},
		"a node's series":  {heapsim.Options{}, `/nodes/n1/metrics/.`, archive.OutcomePartial},
		"export":           {heapsim.Options{}, `metric-export`, archive.OutcomePartial},
		"everything":       {heapsim.Options{}, ``, archive.OutcomeFailed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newSlowWorld(t, test.quirks)
				w.feed(0, small(0, "web-0")...)
				silent := regexp.MustCompile(test.silent)
				w.wait = func(path string) time.Duration {
					if silent.MatchString(path) {
						return ever
					}
					return 0
				}
				summary, took, err := w.try(ever)
				if summary.Pass.Outcome != test.outcome || took != w.options.Deadline {
					t.Errorf("%s after %v, %v", summary.Pass.Outcome, took, err)
				}
				if err != nil && (!errors.Is(err, schema.ErrBudget) || schema.HintOf(err) == "") {
					t.Errorf("error: %v", err)
				}
				for _, h := range summary.Holes {
					if h.Cause != archive.CauseBudget && !(h.Cause == archive.CauseAllKeys && test.quirks.NoAllKeys) {
						t.Errorf("hole: %+v", h)
					}
				}
				w.want("SELECT group_concat(outcome) FROM passes", string(test.outcome))
			})
		})
	}
}

// silentEnricher is a Kubernetes that never answers.
type silentEnricher struct{}

func (silentEnricher) Pods(ctx context.Context, _ bool) ([]schema.Identity, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (silentEnricher) Namespaces(ctx context.Context) ([]schema.NamespaceIdentity, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestDeadlineOfEnrichment: it is not a lasting limitation if Kubernetes does
// not answer in time.
func TestDeadlineOfEnrichment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowWorld(t, heapsim.Options{})
		w.feed(0, small(0, "web-0")...)
		w.wait = func(string) time.Duration { return 0 }
		w.options.Enricher = silentEnricher{}
		summary, took, err := w.try(10 * time.Second)
		if err != nil || took != w.options.Deadline || causes(summary) != "pod:budget namespace:budget" && causes(summary) != "namespace:budget pod:budget" {
			t.Errorf("%s after %v, %v: %s", summary.Pass.Outcome, took, err, causes(summary))
		}
		w.want("SELECT count(*) FROM samples", "6")
	})
}

// TestDeadlineTakesTurns: if each pass has time for a part only, every scope is
// read after some passes.
func TestDeadlineTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowWorld(t, heapsim.Options{})
		w.wait = func(path string) time.Duration {
			if strings.Contains(path, "/pod-list/") {
				return 8 * time.Second
			}
			return 0
		}
		for minute := 0; minute < 6; minute += 2 {
			sets := small(minute)
			for _, namespace := range []string{"a", "b", "c"} {
				sets = append(sets, set(schema.NamespaceEntity(namespace), map[schema.MetricName]int64{"memory/request": 1}),
					set(schema.PodEntity(namespace, "web-"+namespace), map[schema.MetricName]int64{"memory/usage": int64(minute)}))
			}
			w.feed(minute, sets...)
			summary, _, err := w.try(10 * time.Second)
			if err != nil || summary.Pass.Outcome != archive.OutcomePartial {
				t.Errorf("%s, %v", summary.Pass.Outcome, err)
			}
			time.Sleep(20 * time.Second)
		}
		w.want("SELECT group_concat(name) FROM (SELECT name FROM watermark WHERE kind = 'pod' ORDER BY name)", "a,b,c")
	})
}
