package query

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// Check reports a question that makes no sense for the metric and the kind. The
// error is an [*Error].
func (q Query) Check() error {
	for _, word := range q.needed() {
		if !q.has(word) {
			return &Error{fmt.Sprintf("%s of the kind %v has no %s", q.Metric.Name, q.Kind, word), "it has " + q.words()}
		}
	}
	if err := q.checkLabels(); err != nil {
		return err
	}
	for _, agg := range q.Aggs {
		if !agg.suits(q.Metric) {
			return unsuited(q.Metric, agg)
		}
	}
	switch {
	case q.From >= q.To:
		return &Error{fmt.Sprintf("the range ends, at %v, before it begins, at %v", q.To, q.From), ""}
	case q.Step < 0, q.Step%time.Second != 0:
		return &Error{fmt.Sprintf("a step of %v", q.Step), "use whole seconds: 5m, 1h, 1d"}
	case q.Step > 0 && atLeast(q.Level, archive.Hourly) && q.Step%q.Level.Length() != 0:
		return &Error{fmt.Sprintf("a step of %v cannot be made of %s rows", q.Step, q.Level), "use --level raw, or whole hours or days"}
	}
	return nil
}

// words lists for people the columns that filters and groups of the kind can name.
func (q Query) words() string {
	text := strings.Join(q.Series(), ", ")
	if q.OfPods() {
		text += "; with --by also node, owner, label:KEY"
	}
	return text
}

// has reports whether the kind has what a filter or a word of By names.
func (q Query) has(word string) bool {
	return slices.Contains(q.Series(), word) || q.OfPods() && podColumns(word) != nil
}

// checkLabels reports a key that no label of Kubernetes has.
func (q Query) checkLabels() error {
	for _, word := range q.By {
		key, is := strings.CutPrefix(word, LabelPrefix)
		if is && (key == "" || strings.ContainsFunc(key, notInKey)) {
			return &Error{fmt.Sprintf("--by %s: no label has the key %q", word, key), "a key is of letters, digits and - _ . /, as in --by label:app.kubernetes.io/name"}
		}
	}
	return nil
}

func notInKey(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_./", r))
}

// needed returns the columns that filters and groups name.
func (q Query) needed() []string {
	filters := map[string][]string{"namespace": slices.Concat(q.Namespaces, q.ExcludeNamespaces), "pod": q.Pods, "container": q.Containers, "node": q.Nodes}
	maps.DeleteFunc(filters, func(_ string, globs []string) bool { return len(globs) == 0 })
	need := slices.Sorted(maps.Keys(filters))
	need = append(need, slices.Sorted(maps.Keys(q.Labels))...)
	return append(need, q.By...)
}

// unsuited returns the error for an aggregate that makes no sense for the metric. Its
// hint names an aggregate or a metric that does.
func unsuited(m schema.Metric, agg Agg) error {
	if m.Type == schema.Cumulative {
		hint := "of counters there are rate, increase and last"
		if _, ok := schema.Lookup(m.Name + "_rate"); ok {
			hint += fmt.Sprintf("; or ask for %s_rate", m.Name)
		}
		return &Error{fmt.Sprintf("%s is a counter: it has no %s", m.Name, agg), hint}
	}
	hint := "of gauges there are avg, min, max, sum, last, p50, p95 and count"
	if counter, ok := schema.Lookup(schema.MetricName(strings.TrimSuffix(string(m.Name), "_rate"))); ok && counter.Type == schema.Cumulative {
		hint += fmt.Sprintf("; or ask for the counter %s", counter.Name)
	}
	return &Error{fmt.Sprintf("%s is a gauge: it has no %s", m.Name, agg), hint}
}

// coarsest are the kinds, the one with the fewest entities first.
var coarsest = []schema.Kind{schema.Cluster, schema.Namespace, schema.Node, schema.Pod, schema.Container, schema.SystemContainer}

// Kinds returns the kinds that have the metric and all columns that filters and
// groups name, the coarsest first, and at least one. For a metric that is not in the
// registry, the carriers are the kinds that have it in the archive. The error is an
// [*Error].
func (q Query) Kinds(carriers []schema.Kind) ([]schema.Kind, error) {
	if q.Metric.Type != "" {
		carriers = q.Metric.Kinds
	}
	var fit []schema.Kind
	var texts []string
	for _, kind := range coarsest {
		if !slices.Contains(carriers, kind) {
			continue
		}
		q.Kind = kind
		texts = append(texts, fmt.Sprintf("%v (%s)", kind, q.words()))
		if !slices.ContainsFunc(q.needed(), func(word string) bool { return !q.has(word) }) {
			fit = append(fit, kind)
		}
	}
	if len(fit) == 0 {
		return nil, &Error{
			fmt.Sprintf("no kind of thing has %s with %s", q.Metric.Name, strings.Join(q.needed(), ", ")),
			"it is of the kinds " + strings.Join(texts, ", "),
		}
	}
	return fit, nil
}
