package ask

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/guess"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// nameFilter is a flag that selects entities by their names.
type nameFilter struct {
	flag    string // without its dashes
	what    string // that the globs name
	globs   []string
	column  string // of names
	label   string // for the column labels: the key whose values are the names
	exclude bool   // the flag takes away what matches
	add     func(*selected)
}

// selected has the filters that were applied so far.
type selected struct {
	query.Query
	kinds []schema.Kind
}

// spell returns the flags as they were given.
func (f nameFilter) spell() string {
	var given []string
	for _, glob := range f.globs {
		if f.label != "" {
			glob = f.label + ":" + glob
		}
		given = append(given, "--"+f.flag+" "+show.ShellQuote(glob))
	}
	return strings.Join(given, " ")
}

// NoMatch returns an error if no entity passes the query's filters of names, or
// those and the kinds, if there are any. It names the first filter that no entity
// passes, and the names that there are, the nearest first.
func NoMatch(ctx context.Context, a query.Archive, q query.Query, kinds ...schema.Kind) error {
	p := selected{query.Query{Kind: q.Kind}, []schema.Kind{q.Kind}}
	var passed []string
	for _, f := range filtersOf(q, kinds) {
		if len(f.globs) == 0 {
			continue
		}
		before := p
		f.add(&p)
		some, err := p.names(ctx, a, "cluster") // each entity has one
		if err != nil {
			return err
		}
		if len(some) > 0 {
			passed = append(passed, f.spell())
			continue
		}
		names, err := before.names(ctx, a, f.column)
		if err != nil {
			return err
		}
		if f.label != "" {
			names = labelValues(names, f.label)
		}
		of := ""
		if len(passed) > 0 {
			of = " of " + strings.Join(passed, " ")
		}
		if f.exclude {
			return schema.WithHint(fmt.Errorf("nothing%s is left by %s", of, f.spell()), "it excludes all of "+someNames("", names))
		}
		if len(names) == 0 {
			return schema.WithHint(fmt.Errorf("no %s%s matches %s", f.what, of, f.spell()), "there is none at all")
		}
		return schema.WithHint(fmt.Errorf("no %s%s matches %s", f.what, of, f.spell()), nearNames(f.globs[0], names))
	}
	return nil
}

// names returns the names in a column, sorted.
func (p selected) names(ctx context.Context, a query.Archive, column string) ([]string, error) {
	var names []string
	for _, p.Kind = range p.kinds {
		found, err := a.Names(ctx, p.Query, column)
		if err != nil {
			return nil, err
		}
		for _, row := range found {
			names = append(names, row[0])
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// labelValues returns the values that a key has in sets of labels, sorted.
func labelValues(sets []string, key string) []string {
	values := make(map[string]bool)
	for _, labels := range sets {
		for pair := range strings.SplitSeq(labels, ",") {
			if value, ok := strings.CutPrefix(pair, key+":"); ok {
				values[value] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(values))
}

// nearNames returns a hint with the names, the nearest to a glob first.
func nearNames(glob string, names []string) string {
	plain := strings.Trim(glob, "*?")
	return guess.AlsoMean(plain, names, "there are "+someNames(plain, names))
}

// mostNames is how many names a hint has at most.
const mostNames = 10

// someNames lists names. Of too many it lists those that are nearest to one.
func someNames(near string, names []string) string {
	names = slices.Clone(names)
	rest := len(names) - mostNames
	if rest <= 0 {
		return show.Visible(strings.Join(names, ", "))
	}
	slices.SortStableFunc(names, func(a, b string) int { return guess.Edits(near, a) - guess.Edits(near, b) })
	return fmt.Sprintf("%s and %d more", show.Visible(strings.Join(names[:mostNames], ", ")), rest)
}

// filtersOf returns the filters of a query and of kinds.
func filtersOf(q query.Query, kinds []schema.Kind) []nameFilter {
	filters := []nameFilter{
		{flag: "cluster-name", what: "cluster", column: "cluster", globs: q.Clusters, add: func(p *selected) { p.Clusters = q.Clusters }},
		{flag: "kinds", what: "kind", column: "kind", globs: show.Names(kinds), add: func(p *selected) { p.kinds = kinds }},
		{flag: "namespace", what: "namespace", column: "namespace", globs: q.Namespaces, add: func(p *selected) { p.Namespaces = q.Namespaces }},
		{flag: "exclude-namespace", what: "namespace", column: "namespace", globs: q.ExcludeNamespaces, exclude: true,
			add: func(p *selected) { p.ExcludeNamespaces = q.ExcludeNamespaces }},
		{flag: "node", what: "node", column: "node", globs: q.Nodes, add: func(p *selected) { p.Nodes = q.Nodes }},
		{flag: "pod", what: "pod", column: "pod", globs: q.Pods, add: func(p *selected) { p.Pods = q.Pods }},
		{flag: "container", what: "container", column: "container", globs: q.Containers, add: func(p *selected) { p.Containers = q.Containers }},
	}
	labels := make(map[string]string)
	for _, key := range slices.Sorted(maps.Keys(q.Labels)) {
		filters = append(filters, nameFilter{flag: "label", what: "label " + key, column: "labels", label: key, globs: []string{q.Labels[key]}, add: func(p *selected) {
			labels = maps.Clone(labels)
			labels[key] = q.Labels[key]
			p.Labels = labels
		}})
	}
	return filters
}

// explainLabels returns a better error for a query with labels or groups that no
// kind of entity has, else err.
func explainLabels(q query.Query, err error) error {
	has := q.Metric.Family.LabelKeys()
	words := append([]string{"cluster", "namespace", "pod", "container", "node", "owner"}, has...)
	for _, word := range q.By {
		if near := guess.Nearest(word, words); near != "" && near != word {
			return schema.WithHint(fmt.Errorf("--by %s: %s is not grouped by that", word, q.Metric.Name), "did you mean "+near+"?")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(q.Labels)) {
		if q.Metric.Type == "" || slices.Contains(has, key) {
			continue
		}
		err := fmt.Errorf("--label %s: %s has no label %q", key+":"+q.Labels[key], q.Metric.Name, key)
		if len(has) == 0 {
			return schema.WithHint(err, fmt.Sprintf("the series of %s have no labels; labels of pods are for --by label:%s", q.Metric.Name, key))
		}
		return schema.WithHint(err, guess.AlsoMean(key, has, "its labels are "+strings.Join(has, ", ")))
	}
	return err
}

// ExplainNoMatch returns the error of [NoMatch], or err if an entity passes the
// query's filters.
func ExplainNoMatch(ctx context.Context, a query.Archive, q query.Query, err error) error {
	return cmp.Or(NoMatch(ctx, a, q), err)
}
