package schema

import (
	"maps"
	"slices"
	"strings"
)

// SpellLabels spells a set of resource labels as in [Entity.Labels] and in
// requests to Heapster: key:value pairs in key order, joined by commas. The empty
// set is the empty text. Two sets may have the same spelling, such as
// {a: "1,b:2"} and {a: "1", b: "2"}: see [MetricName.ReadLabels].
func SpellLabels(labels map[string]string) string {
	pairs := make([]string, 0, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, key+":"+labels[key])
	}
	return strings.Join(pairs, ",")
}

// ReadLabels is the inverse of [SpellLabels] for the series of the metric. Where
// several sets have the spelling, it returns the one that the spelling means; the
// others must not be stored under it. It returns false if no set has it.
//
// For a metric of a labelled family, the keys are known and a value may have
// commas. For other metrics a comma ends a pair.
func (m MetricName) ReadLabels(spelled string) (labels map[string]string, ok bool) {
	labels = make(map[string]string)
	if spelled == "" {
		return labels, true
	}
	if metric, known := Lookup(m); known && metric.Family != Unlabelled {
		if values, is := metric.Family.values(spelled); is {
			for i, key := range metric.Family.LabelKeys() {
				labels[key] = values[i]
			}
			return labels, true
		}
	}
	last := ""
	for pair := range strings.SplitSeq(spelled, ",") {
		key, value, whole := strings.Cut(pair, ":")
		if _, twice := labels[key]; !whole || twice || key < last {
			return nil, false
		}
		labels[key], last = value, key
	}
	return labels, true
}

// IsSpelled reports whether the spelling of the set means this set, for the series
// of the metric.
func (m MetricName) IsSpelled(labels map[string]string) bool {
	read, ok := m.ReadLabels(SpellLabels(labels))
	return ok && maps.Equal(read, labels)
}

// values returns the values of the family's keys in a spelling. Each key is taken
// at its first place.
func (f Family) values(spelled string) (values []string, ok bool) {
	mark := ""
	for i, key := range f.LabelKeys() {
		mark += key + ":"
		before, after, found := strings.Cut(spelled, mark)
		if !found || i == 0 && before != "" {
			return nil, false
		}
		if i > 0 {
			values = append(values, before)
		}
		spelled, mark = after, ","
	}
	if mark == "" {
		return nil, false // it has no keys
	}
	return append(values, spelled), true
}
