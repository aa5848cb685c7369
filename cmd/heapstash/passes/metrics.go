package passes

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/cmd/heapstash/build"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
)

// metrics are the metrics of the passes over one cluster. `run` serves them, and
// `collect` writes them to a file, so the alerts in deploy/prometheus work for both.
// Methods may be called concurrently.
type metrics struct {
	registry *prometheus.Registry
	cluster  prometheus.Registerer // adds the label cluster
	counters map[string]*prometheus.CounterVec
	gauges   map[string]prometheus.Gauge

	passes, samples, holes                           *prometheus.CounterVec
	lost, requests, bytes                            prometheus.Counter
	lastAttempt, lastDuration, lastSuccess, newestAt prometheus.Gauge
}

func newMetrics(cfg config.Config) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		counters: make(map[string]*prometheus.CounterVec),
		gauges:   make(map[string]prometheus.Gauge),
	}
	m.cluster = prometheus.WrapRegistererWith(prometheus.Labels{"cluster": cfg.ClusterName}, m.registry)

	m.passes = m.counter("heapstash_passes_total", "Passes by outcome: complete, partial (with holes) or failed.", "outcome")
	m.samples = m.counter("heapstash_samples_total", "Samples read by result: new, duplicate, or conflict with a stored value.", "result")
	m.holes = m.counter("heapstash_holes_total", "Holes that made their passes partial, by cause.", "cause")
	m.lost = m.counter("heapstash_lost_seconds_total", "Time whose samples Heapster had dropped before a pass came.").WithLabelValues()
	m.requests = m.counter("heapstash_requests_total", "Requests sent to Heapster, retries included.").WithLabelValues()
	m.bytes = m.counter("heapstash_received_bytes_total", "Bytes of bodies received from Heapster, as they came over the wire.").WithLabelValues()

	m.lastAttempt = m.gauge("heapstash_last_attempt_timestamp_seconds", "End of the last pass, however it ended, 0 before the first.")
	m.lastDuration = m.gauge("heapstash_last_attempt_duration_seconds", "Duration of the last pass, however it ended.")
	m.lastSuccess = m.gauge("heapstash_last_success_timestamp_seconds", "End of the last pass that did not fail, 0 before the first.")
	m.newestAt = m.gauge("heapstash_newest_sample_timestamp_seconds", "Newest sample's time, on Heapster's clock.")

	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "heapstash_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": build.Info().Version},
	})
	build.Set(1)
	m.cluster.MustRegister(build)
	if cfg.DBFile != "" {
		m.registerFile(cfg.DBFile)
	}

	// Prometheus sees no increase in the first value of a counter, unless it is 0.
	for _, o := range []archive.Outcome{archive.OutcomeComplete, archive.OutcomePartial, archive.OutcomeFailed} {
		m.passes.WithLabelValues(string(o))
	}
	for _, result := range []string{"new", "duplicate", "conflict"} {
		m.samples.WithLabelValues(result)
	}
	return m
}

// registerFile adds the metrics of the archive's file.
func (m *metrics) registerFile(path string) {
	size := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "heapstash_archive_size_bytes", Help: "Size of the archive and its write-ahead log.",
	}, func() float64 { return float64(engine.FileSize(path) + engine.FileSize(path+"-wal")) })
	free := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "heapstash_archive_free_bytes", Help: "Space that is left where the archive lies, NaN if that is not known.",
	}, func() float64 {
		free, err := engine.FreeSpace(path)
		if err != nil {
			return math.NaN()
		}
		return float64(free)
	})
	m.cluster.MustRegister(size, free)
}

func (m *metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.cluster.MustRegister(c)
	m.counters[name] = c
	return c
}

func (m *metrics) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	m.cluster.MustRegister(g)
	m.gauges[name] = g
	return g
}

// record counts a pass that ended at that time of the local clock.
func (m *metrics) record(s collect.Summary, ended time.Time, took time.Duration, err error) {
	p := s.Pass
	m.samples.WithLabelValues("new").Add(float64(p.New))
	m.samples.WithLabelValues("duplicate").Add(float64(p.Duplicates))
	m.samples.WithLabelValues("conflict").Add(float64(p.Conflicts))
	m.requests.Add(float64(p.Requests))
	m.bytes.Add(float64(p.Bytes))
	m.lost.Add(p.Gap.Seconds())
	for _, h := range s.Holes {
		// A lasting limitation comes with every pass, and needs no action.
		if h.Incomplete() {
			m.holes.WithLabelValues(string(h.Cause)).Inc()
		}
	}
	if p.Newest > 0 {
		m.newestAt.Set(float64(p.Newest))
	}
	m.lastDuration.Set(took.Seconds())
	m.lastAttempt.Set(float64(ended.Unix()))
	if err != nil {
		m.passes.WithLabelValues(string(archive.OutcomeFailed)).Inc()
		return
	}
	m.passes.WithLabelValues(string(p.Outcome)).Inc()
	m.lastSuccess.Set(float64(ended.Unix()))
}
