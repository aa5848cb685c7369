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

// MetricType tells a gauge from a counter.
type MetricType string

// The metric types.
const (
	Gauge      MetricType = "gauge"      // goes up and down
	Cumulative MetricType = "cumulative" // only grows, until its container restarts
)

// Unit is what a metric counts.
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

// Family is a group of labelled metrics, one series a resource: a file
// system, a disk, an accelerator. The empty Family is that of the metrics
// without labels.
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

// LabelKeys returns the labels that tell the family's series apart, in key
// order. (Heapster: metrics/core/labels.go.)
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

// Has reports whether the label set, in [Entity.Labels]' spelling, is one of
// the family's. Filesystem and Disk have the same label.
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

	// Kinds are those whose entities carry the metric in Heapster v1.5 or
	// later, and so have a column for it. Another kind that carries it all
	// the same is archived too, without a column of its own.
	Kinds []Kind

	// Family is set for labelled metrics.
	Family Family

	// Part and Whole are set for the ratios that Heapster's model API cuts to
	// whole numbers, which are 0 or 1. The ratio is Part divided by Whole, of the
	// same entity and moment. (Heapster: its node_autoscaling_enricher, which
	// takes memory/usage and not the working set.)
	Part, Whole MetricName

	// Exported is set for the unlabelled metrics that metric-export has of
	// nodes, pods and containers, in Heapster v1.3 to v1.5. It has every
	// labelled one.
	Exported bool

	// Rare is set for metrics that Heapster v1.5 does not have yet, or has of
	// few: they are asked for where an entity's list of names has them.
	Rare bool

	// Long is set for the two metrics that Heapster keeps for 15 minutes;
	// it keeps every other one for 140 seconds.
	Long bool
}

// Column is the metric's column in the archive: its name with / as _.
func (m Metric) Column() string { return strings.ReplaceAll(string(m.Name), "/", "_") }

// On reports whether entities of the kind carry the metric.
func (m Metric) On(kind Kind) bool { return slices.Contains(m.Kinds, kind) }

// MetricsOf returns the unlabelled registry metrics that entities of the kind
// carry, in the registry's order.
func MetricsOf(kind Kind) []Metric {
	return selectMetrics(func(m Metric) bool { return m.Family == Unlabelled && m.On(kind) })
}

// CommonMetricsOf returns those of [MetricsOf] that are not rare.
func CommonMetricsOf(kind Kind) []Metric {
	return selectMetrics(func(m Metric) bool { return m.Family == Unlabelled && !m.Rare && m.On(kind) })
}

// MetricsOfFamily returns the registry metrics of a labelled family, in the
// registry's order.
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

// registryIndex finds metrics by name: a pass looks up tens of thousands.
var registryIndex = sync.OnceValue(func() map[MetricName]int {
	index := make(map[MetricName]int, len(registry))
	for i, m := range registry {
		index[m.Name] = i
	}
	return index
})

// CounterOf returns the counter behind a rate that Heapster's model API cuts to
// whole numbers. The counter's growth has the fractions. It is not ok for what
// is not such a rate: Heapster itself counts cpu/usage_rate in whole millicores.
func (m Metric) CounterOf() (counter Metric, ok bool) {
	name, isRate := strings.CutSuffix(string(m.Name), "_rate")
	if !isRate || m.Unit != PerSecond && m.Unit != BytesPerSecond {
		return Metric{}, false
	}
	counter, ok = Lookup(MetricName(name))
	return counter, ok && counter.Type == Cumulative
}

// Derived is the column of the node views with the exact ratio of a metric that
// has [Metric.Part]: derived_cpu_utilization.
func (m Metric) Derived() string {
	return "derived_" + strings.Replace(m.Column(), "_node_", "_", 1)
}

// Caution says for people that Heapster cuts the metric, and what is exact
// instead. It is empty for metrics that are not cut.
func (m Metric) Caution() string {
	if m.Part != "" {
		return fmt.Sprintf("Heapster's model API cuts it to 0 or 1: %s is %s divided by %s.", m.Derived(), m.Part, m.Whole)
	}
	if counter, ok := m.CounterOf(); ok {
		return fmt.Sprintf("Heapster's model API cuts the fraction: the growth of %s has it.", counter.Name)
	}
	return ""
}

// Meaning is the description, with the [Metric.Caution].
func (m Metric) Meaning() string {
	return strings.TrimSpace(m.Description + " " + m.Caution())
}
