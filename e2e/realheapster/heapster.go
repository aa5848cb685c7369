package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	restful "github.com/emicklei/go-restful"
	"k8s.io/heapster/metrics/api/v1"
	"k8s.io/heapster/metrics/core"
	metricsink "k8s.io/heapster/metrics/sinks/metric"
)

// heapster is a Heapster that serves its API.
type heapster struct {
	disableExport bool
	second        core.DataSink // that gets all batches, too; nil for none
	running       atomic.Pointer[process]
}

// process has the parts that a restart replaces.
type process struct {
	sink *metricsink.MetricSink
	api  http.Handler
}

func newHeapster(disableExport bool) *heapster {
	h := &heapster{disableExport: disableExport}
	h.restart()
	return h
}

// restart makes a new sink and API as Heapster's sinks/factory.go, handlers.go and
// heapster.go do.
func (h *heapster) restart() {
	sink := metricsink.NewMetricSink(140*time.Second, 15*time.Minute,
		[]string{core.MetricCpuUsageRate.Name, core.MetricMemoryUsage.Name})
	container := restful.NewContainer()
	container.EnableContentEncoding(true)
	container.Router(restful.CurlyRouter{})
	v1.NewApi(true, sink, nil, h.disableExport).Register(container)

	mux := http.NewServeMux()
	mux.Handle("/", container)
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		if fault := fault(sink); fault != "" {
			http.Error(w, fmt.Sprintf("[-]healthz failed: %s\nhealthz check failed", fault), http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, "ok")
	})
	h.running.Store(&process{sink, mux})
}

// fault returns the error of /healthz; the empty string if there is none.
func fault(sink *metricsink.MetricSink) string {
	latest := sink.GetLatestDataBatch()
	switch {
	case latest == nil:
		return "could not get the latest data batch"
	case time.Since(latest.Timestamp) > 3*time.Minute:
		return fmt.Sprintf("No current data batch available (latest: %s).", latest.Timestamp)
	case len(latest.MetricSets) == 0:
		return fmt.Sprintf("Not enough metrics found in the latest data batch: 0 (expected min. 1) %s", latest.Timestamp)
	default:
		return ""
	}
}

// ServeHTTP serves the API.
func (h *heapster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.running.Load().api.ServeHTTP(w, r)
}

// feeder returns the handler of the second listener.
func (h *heapster) feeder() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/restart", func(http.ResponseWriter, *http.Request) { h.restart() })
	mux.HandleFunc("/feed", func(w http.ResponseWriter, r *http.Request) {
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields()
		var fed batch
		if err := decoder.Decode(&fed); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		converted, err := fed.convert()
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		h.running.Load().sink.ExportData(converted)
		if h.second != nil {
			h.second.ExportData(converted)
		}
	})
	return mux
}
