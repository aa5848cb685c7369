package main

import (
	"context"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"heapstash/archive"
	"heapstash/cmd/heapstash/ask"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/flags"
	"heapstash/cmd/heapstash/guess"
	"heapstash/schema"
)

// sampleFilter says which samples are wanted, by flags. They are no settings:
// those of the same names say what is archived.
type sampleFilter struct {
	times             flags.Range
	kindNames         []string
	namespaces        []string
	excludeNamespaces []string
	pods              []string
	metrics           []string

	window  schema.Window // To is not included, and zero for no end
	kinds   []schema.Kind
	cluster string // empty for every cluster
}

func (f *sampleFilter) flags(flags *pflag.FlagSet) {
	f.times.Add(flags, "from this time on: how long ago, as in 36h, or a time, as in 2017-09-27, yesterday or 2017-09-27T07:00:00Z", "before this time")
	flags.StringSliceVar(&f.kindNames, "kinds", nil, "only these kinds of thing (default all)")
	flags.StringSliceVarP(&f.namespaces, "namespace", "n", nil, "only what is in namespaces that match this glob (repeatable)")
	flags.StringSliceVar(&f.excludeNamespaces, "exclude-namespace", nil, "nothing of namespaces that match this glob (repeatable)")
	flags.StringSliceVar(&f.pods, "pod", nil, "only pods, and their containers, that match this glob (repeatable)")
	flags.StringSliceVar(&f.metrics, "metric", nil, "only metrics that match this glob, as in 'cpu/*' (repeatable)")
	addKindAlias(flags)
}

// check finds what is wrong with the flags, and takes them in.
func (f *sampleFilter) check() error {
	now := time.Now()
	f.window = schema.Window{From: f.times.Since.At(now), To: f.times.Until.At(now)}
	if f.window.From != 0 && f.window.To != 0 && f.window.To <= f.window.From {
		return fmt.Errorf("--until %v is not after --since %v", f.window.To, f.window.From)
	}
	for flag, globs := range map[string][]string{
		"namespace": f.namespaces, "exclude-namespace": f.excludeNamespaces, "pod": f.pods, "metric": f.metrics,
	} {
		for _, glob := range globs {
			if _, err := path.Match(glob, ""); err != nil {
				return fmt.Errorf("--%s %q is no glob", flag, glob)
			}
		}
	}
	f.kinds = nil
	for _, name := range f.kindNames {
		kind, err := schema.ParseKind(name)
		if err != nil {
			return err
		}
		f.kinds = append(f.kinds, kind)
	}
	return nil
}

// selection is what the archive is asked for.
func (f *sampleFilter) selection() archive.Selection {
	s := archive.Selection{Window: f.window, Entity: f.wants}
	if s.Window.To != 0 {
		s.Window.To-- // which is not included
	}
	if len(f.metrics) > 0 {
		s.Metric = func(m schema.MetricName) bool { return ask.Globbed(f.metrics, string(m)) }
	}
	return s
}

func (f *sampleFilter) wants(cluster string, e schema.Entity) bool {
	switch {
	case f.cluster != "" && cluster != f.cluster,
		len(f.kinds) > 0 && !slices.Contains(f.kinds, e.Kind),
		len(f.namespaces) > 0 && !(e.Namespace != "" && ask.Globbed(f.namespaces, e.Namespace)),
		e.Namespace != "" && ask.Globbed(f.excludeNamespaces, e.Namespace),
		len(f.pods) > 0 && !(e.Pod != "" && ask.Globbed(f.pods, e.Pod)):
		return false
	}
	return true
}

// checkMatches refuses filters that nothing passes.
func (f *sampleFilter) checkMatches(ctx context.Context, reader *engine.Reader) error {
	var clusters, kinds []string
	if f.cluster != "" {
		clusters = []string{f.cluster}
	}
	for _, kind := range f.kinds {
		kinds = append(kinds, kind.String())
	}
	return ask.ExplainNoMatch(ctx, reader, 0, []ask.NameFilter{
		{Flag: "cluster-name", What: "cluster", Column: "cluster", Globs: clusters},
		{Flag: "kinds", What: "kind", Column: "kind", Globs: kinds},
		{Flag: "namespace", What: "namespace", Column: "namespace", Globs: f.namespaces},
		{Flag: "exclude-namespace", What: "namespace", Column: "namespace", Globs: f.excludeNamespaces, Exclude: true},
		{Flag: "pod", What: "pod", Column: "pod", Globs: f.pods},
	})
}

// checkNames refuses globs of metrics that match none that the archive knows.
func (f *sampleFilter) checkNames(known []schema.MetricName) error {
	names := make([]string, len(known))
	for i, m := range known {
		names[i] = string(m)
	}
	for _, glob := range f.metrics {
		if slices.ContainsFunc(names, func(name string) bool { return ask.Globbed([]string{glob}, name) }) {
			continue
		}
		hint := "`heapstash sql \"SELECT name FROM metrics\"` lists those that it knows"
		if near := guess.Nearest(glob, names); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
		return schema.WithHint(fmt.Errorf("the archive knows no metric %q", glob), hint)
	}
	return nil
}
