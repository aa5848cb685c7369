package demo

import (
	"slices"
	"strings"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// rowsOf are the rows that a pass makes of a batch. The model API cuts floats to
// integers; of the labelled metrics, metric-export has them whole.
func rowsOf(b heapsim.Batch, rows []schema.Row) []schema.Row {
	at := schema.InstantOf(b.At)
	for _, set := range b.Sets {
		row := schema.Row{Entity: set.Entity, At: at, Readings: make([]schema.Reading, 0, len(set.Values))}
		for m, v := range set.Values {
			if _, whole := v.Int64(); !whole {
				v = schema.Int(int64(v.Float64()))
			}
			row.Readings = append(row.Readings, schema.Reading{Metric: m, Value: v})
		}
		rows = append(rows, row)
		first := len(rows)
		for _, l := range set.Labelled {
			of := set.Entity
			of.Labels = schema.SpellLabels(l.Labels)
			i := slices.IndexFunc(rows[first:], func(r schema.Row) bool { return r.Entity == of })
			if i < 0 {
				i = len(rows) - first
				rows = append(rows, schema.Row{Entity: of, At: at})
			}
			rows[first+i].Readings = append(rows[first+i].Readings, schema.Reading{Metric: l.Metric, Value: l.Value})
		}
	}
	return rows
}

// identities are those of the batch's pods.
func identities(b heapsim.Batch, owner func(schema.Entity) (kind, name string)) map[schema.Entity]schema.Identity {
	all := make(map[schema.Entity]schema.Identity)
	images := make(map[schema.Entity][]string)
	for _, set := range b.Sets {
		switch set.Entity.Kind {
		case schema.Pod:
			i := schema.Identity{Pod: set.Entity, UID: set.Attributes["pod_id"], Node: set.Attributes["nodename"],
				Labels: set.Attributes["labels"], Since: schema.InstantOf(b.At)}
			i.Owner.Kind, i.Owner.Name = owner(set.Entity)
			all[set.Entity] = i
		case schema.Container:
			pod := schema.PodEntity(set.Entity.Namespace, set.Entity.Pod)
			images[pod] = append(images[pod], set.Entity.Container+"="+set.Attributes["container_base_image"])
		}
	}
	for pod, i := range all {
		slices.Sort(images[pod])
		i.Images = strings.Join(images[pod], ",")
		all[pod] = i
	}
	return all
}
