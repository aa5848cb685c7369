package heapsim

import (
	"maps"

	"heapstash/heapster/wire"
	"heapstash/schema"
)

// exported reports whether metric-export has the metric: the standard metrics of
// v1.5.4, the two limits and the labelled metrics (metrics/api/v1/api.go).
func exported(metric schema.MetricName) bool {
	known, ok := schema.Lookup(metric)
	return ok && (known.Exported || known.Family != schema.Unlabelled)
}

// export returns the nodes, pods, containers and system containers of the newest
// batch. It is nil without a batch, and empty if the export is disabled.
func (s *Server) export(store store) []wire.Timeseries {
	if s.options.ExportDisabled {
		return []wire.Timeseries{}
	}
	newest := store.newest()
	if newest == nil {
		return nil
	}
	all := make([]wire.Timeseries, 0, len(newest.sets))
	for _, set := range newest.sets {
		if set.Entity.Kind != schema.Cluster && set.Entity.Kind != schema.Namespace {
			all = append(all, newest.timeseries(set))
		}
	}
	return shuffled(s, all)
}

func (b *indexedBatch) timeseries(set *Set) wire.Timeseries {
	metrics := make(map[schema.MetricName][]wire.TimeseriesPoint)
	for name, value := range set.Values {
		if !exported(name) {
			continue
		}
		point := wire.NewTimeseriesPoint(b.at, nil, value)
		if known, _ := schema.Lookup(name); known.Type == schema.Cumulative {
			point.Start = set.Since.UTC()
		}
		metrics[name] = append(metrics[name], point)
	}
	for _, l := range set.Labelled {
		if exported(l.Metric) {
			// Heapster marks labelled counters as gauges, so that their start
			// is the batch's time.
			metrics[l.Metric] = append(metrics[l.Metric], wire.NewTimeseriesPoint(b.at, l.Labels, l.Value))
		}
	}
	labels := wire.ExportNames(set.Entity)
	maps.Copy(labels, set.Attributes)
	maps.DeleteFunc(labels, func(name, _ string) bool { return !wire.IsExportLabel(name) })
	return wire.Timeseries{Metrics: metrics, Labels: labels}
}
