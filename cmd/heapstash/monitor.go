package main

import (
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"heapstash/archive/collect"
	"heapstash/schema"
)

// monitor tells others how the passes go. Its methods may be called
// concurrently.
type monitor struct {
	registry *prometheus.Registry
	patience time.Duration // how old the last good pass may be
	now      func() time.Time

	passes      *prometheus.CounterVec
	samples     *prometheus.CounterVec
	holes       *prometheus.CounterVec
	lost        prometheus.Counter
	requests    prometheus.Counter
	bytes       prometheus.Counter
	duration    prometheus.Histogram
	lastSuccess prometheus.Gauge
	newest      prometheus.Gauge

	mu       sync.Mutex
	lastGood time.Time // end of the last pass that did not fail
	failure  error     // of the last pass, nil if it did not fail
}

func newMonitor(cfg Config, patience time.Duration, now func() time.Time) *monitor {
	m := &monitor{
		registry: prometheus.NewRegistry(),
		patience: patience,
		now:      now,
		passes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "heapstash_passes_total", Help: "Passes by outcome: complete, partial (with holes) or failed.",
		}, []string{"outcome"}),
		samples: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "heapstash_samples_total", Help: "Samples read by result: new, duplicate, or conflict with a stored value.",
		}, []string{"result"}),
		holes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "heapstash_holes_total", Help: "Holes in the archive by cause.",
		}, []string{"cause"}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "heapstash_lost_seconds_total", Help: "Time whose samples Heapster had dropped before a pass came.",
		}),
		requests: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "heapstash_requests_total", Help: "Requests sent to Heapster, retries included.",
		}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "heapstash_received_bytes_total", Help: "Bytes of bodies received from Heapster, as they came over the wire.",
		}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "heapstash_pass_duration_seconds", Help: "Duration of passes.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60},
		}),
		lastSuccess: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "heapstash_last_success_timestamp_seconds", Help: "End of the last pass that did not fail, 0 before the first.",
		}),
		newest: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "heapstash_newest_sample_timestamp_seconds", Help: "Newest sample's time, on Heapster's clock.",
		}),
	}
	size := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "heapstash_archive_size_bytes", Help: "Size of the archive and its write-ahead log.",
	}, func() float64 { return float64(fileSize(cfg.DBFile) + fileSize(cfg.DBFile+"-wal")) })
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "heapstash_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": buildInfo().Version},
	})
	build.Set(1)
	m.registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), build)
	prometheus.WrapRegistererWith(prometheus.Labels{"cluster": cfg.ClusterName}, m.registry).MustRegister(
		m.passes, m.samples, m.holes, m.lost, m.requests, m.bytes, m.duration, m.lastSuccess, m.newest, size)

	// A counter that is not there yet cannot be seen to begin.
	for _, o := range []schema.Outcome{schema.OutcomeComplete, schema.OutcomePartial, schema.OutcomeFailed} {
		m.passes.WithLabelValues(string(o))
	}
	for _, result := range []string{"new", "duplicate", "conflict"} {
		m.samples.WithLabelValues(result)
	}
	return m
}

// fileSize is the file's size in bytes, 0 without one.
func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// record counts a pass that took that long.
func (m *monitor) record(s collect.Summary, took time.Duration, err error) {
	p := s.Pass
	m.duration.Observe(took.Seconds())
	m.samples.WithLabelValues("new").Add(float64(p.New))
	m.samples.WithLabelValues("duplicate").Add(float64(p.Duplicates))
	m.samples.WithLabelValues("conflict").Add(float64(p.Conflicts))
	m.requests.Add(float64(p.Requests))
	m.bytes.Add(float64(p.Bytes))
	m.lost.Add(p.Gap.Seconds())
	for _, h := range s.Holes {
		m.holes.WithLabelValues(string(h.Cause)).Inc()
	}
	if p.Newest > 0 {
		m.newest.Set(float64(p.Newest))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failure = err
	if err != nil {
		m.passes.WithLabelValues(string(schema.OutcomeFailed)).Inc()
		return
	}
	m.passes.WithLabelValues(string(p.Outcome)).Inc()
	m.lastGood = m.now()
	m.lastSuccess.Set(float64(m.lastGood.Unix()))
}

// ready returns why the archive is not being kept up to date, nil if it is.
func (m *monitor) ready() error {
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

// handler serves /metrics, /healthz (the process answers) and /readyz (the
// archive is being kept up to date).
func (m *monitor) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := m.ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}
