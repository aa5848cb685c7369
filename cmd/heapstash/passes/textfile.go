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

// Textfile is the file to which `collect` writes its metrics, for node_exporter's
// textfile collector.
//
// A pass reads totals and the last success from the file of the pass before, not from
// the archive's ledger: the ledger cannot be read when there is trouble with the
// archive, and does not have passes that could not open it. A lost file is the same to
// Prometheus as a restarted process. Two passes that end in the same millisecond may
// count as one.
type Textfile struct {
	Cfg config.Config
	Log *slog.Logger
}

// Write adds a pass, which ended at that time of the local clock, to the metrics in the
// file. No reader sees half of a file: WriteToTextfile writes another file beside it,
// whose name does not end in .prom, with mode 0644, and renames it.
func (t Textfile) Write(s collect.Summary, ended time.Time, took time.Duration, failure error) error {
	path := t.Cfg.MetricsTextfile
	m := newMetrics(t.Cfg)
	if err := t.carry(m); err != nil {
		t.Log.Warn("other metrics in metrics_textfile are dropped", "file", path, "error", err)
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

// carry adds the metrics of the passes before, from the file.
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

// restore reads counters and gauges from the text. It returns an error if a part of the
// text has other metrics or another cluster; it restores the rest.
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

// isPositive reports whether a value can be restored, and is not the default.
func isPositive(v float64) bool { return v > 0 && !math.IsInf(v, 0) }
