package querytest

import (
	"cmp"
	"slices"

	"heapstash/schema"
)

// WorldOf is what batches come to.
func WorldOf(hours []Hour) *World {
	w := &World{Incarnations: make(map[Subject][]Incarnation)}
	for _, hour := range hours {
		for _, batch := range hour.Batches {
			for _, r := range batch.Rows {
				for _, reading := range r.Readings {
					w.Samples = append(w.Samples, Sample{Subject: Subject{Cluster: batch.Cluster, Entity: r.Entity},
						Metric: reading.Metric, At: r.At, Value: reading.Value})
				}
			}
			for e, at := range batch.Vanished {
				for i := range w.Incarnations[Subject{Cluster: batch.Cluster, Entity: e}] {
					if pod := &w.Incarnations[Subject{Cluster: batch.Cluster, Entity: e}][i]; pod.Present {
						pod.Present, pod.To = false, max(pod.From, at)
					}
				}
			}
			for _, id := range batch.Identities {
				pod := Subject{Cluster: batch.Cluster, Entity: id.Pod}
				all := w.Incarnations[pod]
				for i := range all {
					if all[i].Present || all[i].To >= id.Since {
						all[i].Present, all[i].To = false, id.Since-1
					}
				}
				w.Incarnations[pod] = append(all, Incarnation{Window: schema.Window{From: id.Since}, Present: true,
					Node: id.Node, Labels: id.Labels, OwnerKind: id.Owner.Kind, Owner: id.Owner.Name})
			}
		}
	}
	slices.SortStableFunc(w.Samples, func(a, b Sample) int { return cmp.Compare(a.At, b.At) })
	return w
}
