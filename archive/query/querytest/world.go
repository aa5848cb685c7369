// Package querytest judges an archive's answers: it answers the same questions from
// a list of all samples, the slow and plain way. Only tests import it.
package querytest

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/schema"
)

// World is all that an archive has, as plain values.
type World struct {
	// Samples are in the order of their times. A series has one at a moment.
	Samples []Sample
	// Incarnations has the incarnations of each pod, the oldest first.
	Incarnations map[Subject][]Incarnation
	// Lives are when each entity was first and last seen.
	Lives map[Subject]schema.Window
}

// Subject is an entity of a cluster.
type Subject struct {
	Cluster string
	schema.Entity
}

// Sample is a value of a series.
type Sample struct {
	Subject
	Metric schema.MetricName
	At     schema.Instant
	Value  schema.Value
}

// Incarnation is one of the pods that had a name, from Window.From to Window.To, both
// included; if it is present, to the end of time.
type Incarnation struct {
	schema.Window
	Present                        bool
	Node, Labels, OwnerKind, Owner string
}

// observation is a sample with the incarnation of its pod.
type observation struct {
	Sample
	value schema.Value
	pod   Incarnation
}

// field is the observation's name in a column.
func (r observation) field(column string) string {
	switch column {
	case "cluster":
		return r.Cluster
	case "namespace":
		return r.Namespace
	case "pod":
		return r.Pod
	case "container":
		return r.Container
	case "node":
		return r.Node
	case "labels":
		return r.Labels
	case "owner_kind":
		return r.pod.OwnerKind
	case "owner":
		return r.pod.Owner
	default:
		if key, ok := strings.CutPrefix(column, query.LabelPrefix); ok {
			return labelOf(r.pod.Labels, key)
		}
		return labelOf(r.Labels, column)
	}
}

// labelOf is the value of a key among labels.
func labelOf(labels, key string) string {
	for pair := range strings.SplitSeq(labels, ",") {
		if value, ok := strings.CutPrefix(pair, key+":"); ok {
			return value
		}
	}
	return ""
}

// key joins the observation's names in the columns.
func (r observation) key(columns []string) string {
	var names []string
	for _, column := range columns {
		names = append(names, r.field(column))
	}
	return strings.Join(names, "|")
}

// pod is the incarnation that the observation's pod had then; none if it is not known.
// Of an hour as a whole, it is the last one that began before the hour's end.
func (w *World) pod(r observation, hours bool) Incarnation {
	from, to := r.At, r.At
	if hours {
		from = archive.Hourly.Begin(r.At)
		to = from + 3599
	}
	all := w.Incarnations[Subject{r.Cluster, schema.PodEntity(r.Namespace, r.Pod)}]
	for _, i := range slices.Backward(all) {
		if i.From <= to {
			if i.Present || i.To >= from {
				return i
			}
			break
		}
	}
	return Incarnation{}
}

// identified fills in what a sample of a pod or container has of the pod's
// incarnation, and reports whether that is on a node that is asked for.
func (w *World) identified(q query.Query, r observation, hours bool) (observation, bool) {
	if !q.OfPods() {
		return r, true
	}
	r.pod = w.pod(r, hours)
	r.Node = r.pod.Node
	return r, len(q.Nodes) == 0 || r.Node != "" && anyMatches(q.Nodes, r.Node)
}

// wanted are the samples that the query is about, of any time.
func (w *World) wanted(q query.Query) []observation {
	var wanted []observation
	for _, r := range w.exact(q) {
		ok := r.Kind == q.Kind &&
			anyMatches(q.Clusters, r.Cluster) && anyMatches(q.Namespaces, r.Namespace) && anyMatches(q.Pods, r.Pod) &&
			anyMatches(q.Containers, r.Container) && (q.OfPods() || anyMatches(q.Nodes, r.Node)) &&
			(len(q.ExcludeNamespaces) == 0 || !anyMatches(q.ExcludeNamespaces, r.Namespace))
		for key, glob := range q.Labels {
			ok = ok && anyMatches([]string{glob}, r.field(key))
		}
		if ok {
			wanted = append(wanted, r)
		}
	}
	return wanted
}

func anyMatches(globs []string, name string) bool {
	return len(globs) == 0 || schema.MatchesAny(globs, name)
}

// exact are the samples of the query's metric. A ratio that Heapster cut is made
// of its parts, and is not there without them.
func (w *World) exact(q query.Query) []observation {
	var list []observation
	parts := make(map[string]float64)
	id := func(m schema.MetricName, s Sample) string { return fmt.Sprint(m, s.Cluster, s.Node, s.At) }
	for _, s := range w.Samples {
		if s.Metric == q.Metric.Part || s.Metric == q.Metric.Whole {
			parts[id(s.Metric, s)] = s.Value.Float64()
		}
	}
	for _, s := range w.Samples {
		if s.Metric != q.Metric.Name {
			continue
		}
		r := observation{Sample: s, value: s.Value}
		if q.Metric.Part != "" {
			part, hasPart := parts[id(q.Metric.Part, s)]
			whole, hasWhole := parts[id(q.Metric.Whole, s)]
			if hasPart && hasWhole {
				r.value = schema.Real(part / whole)
			} else if _, cut := s.Value.Int64(); cut {
				continue
			}
		}
		list = append(list, r)
	}
	return list
}
