package schema

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// MetricName is a metric's name as Heapster spells it: cpu/usage_rate,
// custom/queue_length. Any non-empty string can be one.
type MetricName string

// MetricType is gauge or cumulative.
type MetricType string

// The metric types.
const (
	Gauge      MetricType = "gauge"      // goes up and down
	Cumulative MetricType = "cumulative" // only grows, until its container restarts
)

// Unit is the unit of a metric's values.
type Unit string

// The units.
const (
	Bytes          Unit = "bytes"
	BytesPerSecond Unit = "bytes/s"
	Count          Unit = "count"
	PerSecond      Unit = "1/s"
	Milliseconds   Unit = "ms"
	Nanoseconds    Unit = "ns"
	Millicores     Unit = "millicores"
	Milliloads     Unit = "milliloads" // runnable threads times 1000
	Percent        Unit = "percent"
	Ratio          Unit = "ratio" // 1 is the whole
)

// Family is a group of labelled metrics with one series for each file system, disk
// or accelerator. Metrics without labels have the empty Family.
type Family string

// The labelled families.
const (
	Unlabelled  Family = ""
	Filesystem  Family = "filesystem"
	Disk        Family = "disk"
	Accelerator Family = "accelerator"
)

// Families returns the labelled families.
func Families() []Family { return []Family{Filesystem, Disk, Accelerator} }

// LabelKeys returns the keys of the labels of the family's series, in order
// (Heapster: metrics/core/labels.go).
func (f Family) LabelKeys() []string {
	switch f {
	case Filesystem, Disk:
		return []string{"resource_id"}
	case Accelerator:
		return []string{"accelerator_id", "make", "model"}
	default:
		return nil
	}
}

// Has reports whether a label set, spelled as in [Entity.Labels], has the family's
// keys. Filesystem and Disk have the same key.
func (f Family) Has(labels string) bool {
	_, ok := f.values(labels)
	return ok
}

// Metric describes one metric of Heapster's storage schema.
type Metric struct {
	Name        MetricName
	Unit        Unit
	Type        MetricType
	Description string

	// Kinds are the kinds whose entities have the metric in Heapster v1.5 or
	// later, and so a column for it. The values of other kinds are archived
	// too, without a column of their own.
	Kinds []Kind

	// Family is set for labelled metrics.
	Family Family

	// Part and Whole are set for ratios, which Heapster's model API cuts to 0 or
	// 1. The exact ratio is Part divided by Whole, of the same entity and
	// moment. (Heapster: node_autoscaling_enricher. Its memory ratio is of
	// memory/usage, not of the working set.)
	Part, Whole MetricName

	// Exported is set for the unlabelled metrics in metric-export of Heapster
	// v1.3 to v1.5. Labelled metrics are all in it.
	Exported bool

	// Rare is set for metrics that Heapster v1.5 does not have, or only for few
	// entities. A pass asks for them where an entity's list of names has them.
	Rare bool

	// Long is set for the two metrics that Heapster keeps for [LongRetention]
	// instead of [ShortRetention].
	Long bool
}

// Column is the metric's column in the archive: its name with / as _.
func (m Metric) Column() string { return strings.ReplaceAll(string(m.Name), "/", "_") }

// On reports whether entities of the kind have the metric.
func (m Metric) On(kind Kind) bool { return slices.Contains(m.Kinds, kind) }

// IsFloat reports whether Heapster itself has the metric as floats, which its model
// API cuts to integers. Other metrics are integers. (Heapster v1.5.4,
// metrics/core/metrics.go, and what later versions added.)
func (m Metric) IsFloat() bool {
	return m.Unit == PerSecond || m.Unit == BytesPerSecond || strings.Contains(string(m.Name), "/node_")
}

// MetricsOf returns the unlabelled metrics of the kind's entities, in the
// registry's order.
func MetricsOf(kind Kind) []Metric {
	return selectMetrics(func(m Metric) bool { return m.Family == Unlabelled && m.On(kind) })
}

// CommonMetricsOf returns [MetricsOf] without the rare ones.
func CommonMetricsOf(kind Kind) []Metric {
	return selectMetrics(func(m Metric) bool { return m.Family == Unlabelled && !m.Rare && m.On(kind) })
}

// MetricsOfFamily returns the metrics of a labelled family, in the registry's
// order.
func MetricsOfFamily(f Family) []Metric {
	return selectMetrics(func(m Metric) bool { return m.Family == f })
}

func selectMetrics(keep func(Metric) bool) []Metric {
	var selected []Metric
	for _, m := range registry {
		if keep(m) {
			selected = append(selected, m)
		}
	}
	return selected
}

// Registry returns every metric of Heapster's storage schema that heapstash
// knows. The slice is the caller's.
func Registry() []Metric { return slices.Clone(registry) }

// Lookup returns the registry's entry for the name.
func Lookup(name MetricName) (Metric, bool) {
	i, ok := registryIndex()[name]
	if !ok {
		return Metric{}, false
	}
	return registry[i], true
}

// IsCommon reports whether a pass asks every entity of the kind for the metric.
func IsCommon(kind Kind, name MetricName) bool {
	m, _ := Lookup(name)
	return !m.Rare && m.On(kind)
}

// IsLong reports whether the metric is [Metric.Long].
func IsLong(name MetricName) bool {
	m, _ := Lookup(name)
	return m.Long
}

// registryIndex makes Lookup fast: a pass calls it tens of thousands of times.
var registryIndex = sync.OnceValue(func() map[MetricName]int {
	index := make(map[MetricName]int, len(registry))
	for i, m := range registry {
		index[m.Name] = i
	}
	return index
})

// CounterOf returns the counter of a rate that Heapster's model API cuts to whole
// numbers: the counter's growth gives the exact rate. It returns false for other
// metrics, cpu/usage_rate included, which Heapster itself counts in whole
// millicores.
func (m Metric) CounterOf() (counter Metric, ok bool) {
	name, isRate := strings.CutSuffix(string(m.Name), "_rate")
	if !isRate || m.Unit != PerSecond && m.Unit != BytesPerSecond {
		return Metric{}, false
	}
	counter, ok = Lookup(MetricName(name))
	return counter, ok && counter.Type == Cumulative
}

// Derived names the column with the exact ratio in the node views, such as
// derived_cpu_utilization, for a metric with a [Metric.Part].
func (m Metric) Derived() string {
	return "derived_" + strings.Replace(m.Column(), "_node_", "_", 1)
}

// Caution warns a reader that Heapster cuts the metric, and names the exact source.
// It is empty for metrics that are not cut.
func (m Metric) Caution() string {
	if m.Part != "" {
		return fmt.Sprintf("Heapster's model API cuts it to 0 or 1: %s is %s divided by %s.", m.Derived(), m.Part, m.Whole)
	}
	if counter, ok := m.CounterOf(); ok {
		return fmt.Sprintf("Heapster's model API cuts the fraction: the growth of %s has it.", counter.Name)
	}
	return ""
}

// Meaning returns the description and the [Metric.Caution].
func (m Metric) Meaning() string {
	return strings.TrimSpace(m.Description + " " + m.Caution())
}
