package heapsim

import (
	"maps"
	"slices"
	"time"

	"heapstash/schema"
)

// timeseriesJSON is one entity in metric-export.
type timeseriesJSON struct {
	Metrics map[schema.MetricName][]exportedJSON `json:"metrics"`
	Labels  map[string]string                    `json:"labels,omitempty"`
}

type exportedJSON struct {
	Start  time.Time         `json:"start"`
	End    time.Time         `json:"end"`
	Labels map[string]string `json:"labels,omitempty"`
	Value  any               `json:"value"` // int64 or float64
}

// exportedAttributes are those of a set's attributes that metric-export
// shows (metrics/core/labels.go).
var exportedAttributes = [...]string{
	"nodename", "hostname", "host_id", "container_base_image", "pod_id", "namespace_id", "labels",
	"pod_namespace", // up to v1.3 alone
}

// exported reports whether metric-export has the metric: the standard metrics
// of v1.5.4, the two limits and the labelled ones (metrics/api/v1/api.go).
func exported(metric schema.MetricName) bool {
	switch metric {
	case "uptime", "cpu/usage", "cpu/limit", "memory/limit",
		"memory/usage", "memory/rss", "memory/cache", "memory/working_set", "memory/page_faults", "memory/major_page_faults",
		"network/rx", "network/rx_errors", "network/tx", "network/tx_errors":
		return true
	}
	known, ok := schema.Lookup(metric)
	return ok && known.Family != schema.Unlabelled
}

// export returns what metric-export shows of the newest batch: nodes, pods,
// containers and system containers. Without a batch Heapster writes null, and
// an empty list where the export is disabled.
func (s *Server) export(store store) []timeseriesJSON {
	if s.options.ExportDisabled {
		return []timeseriesJSON{}
	}
	newest := store.newest()
	if newest == nil {
		return nil
	}
	all := make([]timeseriesJSON, 0, len(newest.sets))
	for _, set := range newest.sets {
		if set.Entity.Kind != schema.Cluster && set.Entity.Kind != schema.Namespace {
			all = append(all, timeseriesJSON{exportedMetrics(newest.at, set), exportedLabels(set)})
		}
	}
	return shuffled(s, all)
}

func exportedMetrics(at time.Time, set *Set) map[schema.MetricName][]exportedJSON {
	metrics := make(map[schema.MetricName][]exportedJSON)
	for name, value := range set.Values {
		if !exported(name) {
			continue
		}
		point := newExported(at, value, nil)
		if known, _ := schema.Lookup(name); known.Type == schema.Cumulative {
			point.Start = set.Since.UTC()
		}
		metrics[name] = append(metrics[name], point)
	}
	for _, l := range set.Labelled {
		if exported(l.Metric) {
			// Heapster marks even its labelled counters as gauges, and so
			// their start is the batch's time.
			metrics[l.Metric] = append(metrics[l.Metric], newExported(at, l.Value, l.Labels))
		}
	}
	return metrics
}

func newExported(at time.Time, value schema.Value, labels map[string]string) exportedJSON {
	if integer, ok := value.Int64(); ok {
		return exportedJSON{at, at, labels, integer}
	}
	return exportedJSON{at, at, labels, value.Float64()}
}

// exportedLabels names the entity. There is no namespace's name, and a node
// and a pod have a container's name that is not one.
func exportedLabels(set *Set) map[string]string {
	labels := make(map[string]string)
	if set.Entity.Node != "" {
		labels["nodename"], labels["hostname"] = set.Entity.Node, set.Entity.Node
	}
	maps.Copy(labels, set.Attributes)
	maps.DeleteFunc(labels, func(key, _ string) bool { return !slices.Contains(exportedAttributes[:], key) })
	switch of := set.Entity; of.Kind {
	case schema.Node:
		labels["container_name"] = "machine"
	case schema.Pod:
		labels["container_name"], labels["pod_name"] = "/pod", of.Pod
	case schema.Container:
		labels["container_name"], labels["pod_name"] = of.Container, of.Pod
	case schema.SystemContainer:
		labels["container_name"] = of.Container
	}
	return labels
}
