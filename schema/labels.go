package schema

import (
	"maps"
	"slices"
	"strings"
)

// SpellLabels spells a set of resource labels as [Entity.Labels] has it, and as
// Heapster's model API is asked for it: key:value pairs in key order, joined by
// commas. No set is the empty text. Two sets may be spelled alike:
// {a: "1,b:2"} and {a: "1", b: "2"}; see [MetricName.ReadLabels].
func SpellLabels(labels map[string]string) string {
	pairs := make([]string, 0, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, key+":"+labels[key])
	}
	return strings.Join(pairs, ",")
}

// ReadLabels takes a spelling apart, that is of a series of the metric: of the
// sets that are spelled so, it returns the one that is meant. Any other must
// not be stored under that spelling. It returns false if there is none.
//
// Of a labelled family, whose keys are known, a value may hold commas. Elsewhere
// a comma ends a pair.
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

// IsSpelled reports whether the set's spelling means that set among the series
// of the metric.
func (m MetricName) IsSpelled(labels map[string]string) bool {
	read, ok := m.ReadLabels(SpellLabels(labels))
	return ok && maps.Equal(read, labels)
}

// values takes a spelling apart by the family's keys, each where it is met
// first.
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
