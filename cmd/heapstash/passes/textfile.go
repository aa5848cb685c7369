package passes

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"heapstash/archive/collect"
	"heapstash/cmd/heapstash/config"
	"heapstash/schema"
)

// Textfile is where passes that are processes of their own leave their metrics
// for node_exporter's textfile collector.
//
// Totals and the last success go from one pass to the next by the file itself
// and not by the archive's ledger, which cannot be read on the days that alerts
// are for, and knows nothing of passes that could not open it. A file that is
// lost is to Prometheus what the restart of a process is. Two passes that end
// in the same millisecond may count as one.
type Textfile struct {
	Cfg config.Config
	Log *slog.Logger
}

// Write replaces the file by what the last one says and a pass that took that
// long and ended at that time of the local clock. Nobody sees half of a file:
// WriteToTextfile makes another one beside it, whose name does not end in
// .prom, with mode 0644, and renames it.
func (t Textfile) Write(s collect.Summary, ended time.Time, took time.Duration, failure error) error {
	path := t.Cfg.MetricsTextfile
	m := newMetrics(t.Cfg)
	if err := t.carry(m); err != nil {
		t.Log.Warn("what else was in metrics_textfile is dropped", "file", path, "error", err)
	}
	m.record(s, ended, took, failure)
	if err := prometheus.WriteToTextfile(path, m.registry); err != nil {
		return schema.WithHint(
			fmt.Errorf("metrics_textfile %s: %w", path, err),
			"its directory must exist and be writable to this user; the pass went on without it",
		)
	}
	return nil
}

// carry adds what the pass before left in the file.
func (t Textfile) carry(m *metrics) error {
	text, err := os.ReadFile(t.Cfg.MetricsTextfile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return m.restore(text, t.Cfg.ClusterName)
}

// restore adds counters and sets gauges to what they were when the text was
// written. The error is that the text, or a part of it, is not of these
// metrics, or of another cluster; what is of them is restored.
func (m *metrics) restore(text []byte, cluster string) error {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return err
	}
	var foreign string
	for name, family := range families {
		for _, metric := range family.GetMetric() {
			labels := make(prometheus.Labels)
			for _, pair := range metric.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			if labels["cluster"] != cluster {
				foreign = fmt.Sprintf("%s{cluster=%q}", name, labels["cluster"])
				continue
			}
			delete(labels, "cluster")
			if g, known := m.gauges[name]; known && isPositive(metric.GetGauge().GetValue()) {
				g.Set(metric.GetGauge().GetValue())
			}
			if c, known := m.counters[name]; known && isPositive(metric.GetCounter().GetValue()) {
				series, err := c.GetMetricWith(labels)
				if err != nil {
					return err
				}
				series.Add(metric.GetCounter().GetValue())
			}
		}
	}
	if foreign != "" {
		return fmt.Errorf("it has %s: give each cluster a file of its own", foreign)
	}
	return nil
}

// isPositive holds for what is worth restoring, and can be.
func isPositive(v float64) bool { return v > 0 && !math.IsInf(v, 0) }
