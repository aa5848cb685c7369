package collect_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"heapstash/archive"
	"heapstash/heapster/heapsim"
	"heapstash/heapster/heapstertest"
)

// TestNamesThatAnExportFailsToBring: only metric-export has what no URL can
// name. Without it, each such entity has a hole for the batch.
func TestNamesThatAnExportFailsToBring(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, boxes(0)...)
	w.pass(archive.OutcomeComplete, inBoxes)
	w.sim.Inject("/metric-export", 0, heapstertest.Answer(http.StatusInternalServerError, nil, "boom"))
	w.feed(1, boxes(1)...)
	w.pass(archive.OutcomePartial, inBoxes-2)
	w.sim.Heal()
	w.feed(2, boxes(2)...)
	w.pass(archive.OutcomeComplete, inBoxes)
	w.want("SELECT kind, cause, from_time, to_time FROM gaps",
		"system_container|unaddressable|2017-09-27T12:01:00Z|2017-09-27T12:01:59Z\nsystem_container|unaddressable|2017-09-27T12:01:00Z|2017-09-27T12:01:59Z")
}

// TestABatchThatOvertakesTheLists: it is unknown which namespaces had the names
// of the export's batch, and that is a hole.
func TestABatchThatOvertakesTheLists(t *testing.T) {
	w := newWorld(t, heapsim.Options{NoAllKeys: true}) // to list again would take many requests
	w.options.Budget = 0
	w.feed(0, namesakes(0, false, idSet{}, "blue")...)
	var landed atomic.Bool
	w.sim.Inject("/metric-export", 1, func(truly http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if landed.CompareAndSwap(false, true) {
				w.feed(1, namesakes(1, false, idSet{}, "green")...)
			}
			truly.ServeHTTP(rw, r)
		})
	})
	summary, err := w.try(t.Context())
	if err != nil || !strings.Contains(causes(summary), "pass:export") || summary.Pass.Outcome != archive.OutcomePartial {
		t.Errorf("%s %v", causes(summary), err)
	}
	w.want("SELECT kind, from_time FROM gaps WHERE cause = 'export'", "|2017-09-27T12:01:00Z")
}

// TestPodsThatNoListShows: metric-export has them, and their namespace is
// unknown.
func TestPodsThatNoListShows(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	keys := `["cluster", "node:n1", "namespace:shop"]`
	w.sim.Inject("/debug/allkeys", 0, heapstertest.Answer(http.StatusOK, http.Header{"Content-Type": {"application/json"}}, keys))
	w.feed(0, namesakes(0, false, idSet{}, "blue")...)
	summary := w.pass(archive.OutcomePartial, 4)
	if got := causes(summary); got != "container:export pod:export" {
		t.Errorf("holes: %s", got)
	}
}

// TestSetsThatAnExportLeavesOut: a container that the lists show may have a
// file system, whose labels only metric-export has.
func TestSetsThatAnExportLeavesOut(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.sim.Inject("/metric-export", 0, func(truly http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			r.Header.Del("Accept-Encoding")
			answer := httptest.NewRecorder()
			truly.ServeHTTP(answer, r)
			var sets []map[string]any
			if err := json.Unmarshal(answer.Body.Bytes(), &sets); err != nil {
				t.Error(err)
			}
			sets = slices.DeleteFunc(sets, func(set map[string]any) bool {
				labels := set["labels"].(map[string]any)
				return labels["container_name"] == "db" && labels["pod_name"] == "db-1"
			})
			if err := json.NewEncoder(rw).Encode(sets); err != nil {
				t.Error(err)
			}
		})
	})
	w.feed(0, namesakes(0, false, idSet{true, true, false}, "blue")...)
	summary := w.pass(archive.OutcomeComplete, 4+2*8-1) // all but the file system
	if got := causes(summary); got != "container:export" {
		t.Errorf("holes: %s", got)
	}
	w.want("SELECT detail LIKE '%db-1%', lasting FROM holes", "1|1")
}
