package passes

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"heapstash/archive/collect"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/show"
)

// Monitor reports over HTTP how a resident's passes go. Its methods may be called
// concurrently.
type Monitor struct {
	metrics  *metrics
	duration prometheus.Histogram
	patience time.Duration // how old the last pass without an error may be
	now      func() time.Time

	mu       sync.Mutex
	lastGood time.Time // end of the last pass that did not fail
	failure  error     // of the last pass, nil if it did not fail
}

// NewMonitor returns a monitor of a resident that has made no pass yet.
func NewMonitor(cfg config.Config, patience time.Duration, now func() time.Time) *Monitor {
	m := &Monitor{
		metrics: newMetrics(cfg),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "heapstash_pass_duration_seconds", Help: "Duration of passes.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60},
		}),
		patience: patience,
		now:      now,
	}
	m.metrics.cluster.MustRegister(m.duration)
	m.metrics.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Record counts a pass that ended now.
func (m *Monitor) Record(s collect.Summary, took time.Duration, err error) {
	ended := m.now()
	m.metrics.record(s, ended, took, err)
	m.duration.Observe(took.Seconds())
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failure = err
	if err == nil {
		m.lastGood = ended
	}
}

// ready returns an error if the archive is not up to date.
func (m *Monitor) ready() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.failure != nil:
		return fmt.Errorf("the last pass failed: %w", m.failure)
	case m.lastGood.IsZero():
		return fmt.Errorf("no pass has finished yet")
	}
	if age := m.now().Sub(m.lastGood); age > m.patience {
		return fmt.Errorf("the last pass finished %v ago", age.Round(time.Second))
	}
	return nil
}

// Handler serves /metrics, /healthz (the process answers) and /readyz (the archive is
// up to date).
func (m *Monitor) Handler() http.Handler {
	registry := m.metrics.registry
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := m.ready(); err != nil {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusServiceUnavailable)
			show.Error(w, err)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}
