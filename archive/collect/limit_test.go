package collect_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/heapster/heapsim"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

func manyPods(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("pod-%04d", i)
	}
	return names
}

// If there are too many entities, nothing is stored, however they are listed,
// and the ledger has the reason.
func TestPassRefusesTooManyEntities(t *testing.T) {
	for name, quirks := range map[string]heapsim.Options{"allkeys": {}, "lists": {NoAllKeys: true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, quirks)
			w.options.MaxEntities = 49
			w.feed(0, small(0, manyPods(48)...)...)
			_, err := w.try(t.Context())
			var limit *schema.LimitError
			if !errors.As(err, &limit) || limit.Setting != "limits.entities" || !errors.Is(err, schema.ErrProtocol) {
				t.Errorf("got %v", err)
			}
			w.want("SELECT count(*) FROM samples", "0")
			w.want("SELECT count(*) FROM entities", "0")
			w.want("SELECT outcome, error FROM passes", "failed|Heapster lists more than 49 entities")

			w.options.MaxEntities = 51
			if _, err := w.try(t.Context()); err != nil {
				t.Error(err)
			}
			w.want("SELECT count(DISTINCT pod) FROM samples", "48")
		})
	}
}

// A list that is beyond the client's limits is not read name by name instead.
func TestPassDoesNotGoRoundALimit(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, "a")...)
	w.sim.Inject("/debug/allkeys", 0, heapstertest.Answer(http.StatusOK, nil, `[""`+strings.Repeat(`,""`, 100_000)+`]`))
	_, err := w.try(t.Context())
	var limit *schema.LimitError
	if !errors.As(err, &limit) || limit.Setting != "limits.entities" {
		t.Errorf("got %v", err)
	}
	w.want("SELECT count(*) FROM samples", "0")
}

// Samples beyond the limit are holes, and the next pass asks again.
func TestPassTakesNoMoreSamplesThanTheLimit(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, manyPods(40)...)...)
	whole := 40*2 + 4 // see small
	w.options.MaxSamples = 50
	summary, err := w.try(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := summary.Pass.New; got == 0 || got > 50 || summary.Pass.Outcome != archive.OutcomePartial {
		t.Errorf("%d new samples, %s", got, summary.Pass.Outcome)
	}
	w.want("SELECT DISTINCT cause FROM holes", "protocol")
	w.want("SELECT count(*) FROM holes WHERE kind = 'pod' AND detail LIKE '%more than 50 samples in one pass'", "2")
	w.options.MaxSamples = collect.DefaultOptions().MaxSamples
	w.pass(archive.OutcomeComplete, whole-summary.Pass.New)
}

// Metrics outside the registry count too, because every pass asks for them:
// Heapster may invent them.
func TestPassTakesNoMoreMetricsThanTheLimit(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, "a", "b")...)
	names := make([]string, 900)
	for i := range names {
		names[i] = fmt.Sprintf(`"custom/%d"`, i)
	}
	w.sim.Inject("/pods/[ab]/metrics/$", 0, heapstertest.Answer(http.StatusOK, nil, "["+strings.Join(names, ",")+"]"))
	w.options.MaxSamples = 1000
	if _, err := w.try(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.want("SELECT count(DISTINCT entity_id) FROM carried", "1")
	w.want("SELECT DISTINCT detail FROM holes WHERE detail LIKE 'metric names%'", "metric names: more than 1000 samples in one pass")
}
