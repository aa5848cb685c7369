package main

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"heapstash/archive"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

// sampleFilter says which samples are wanted, by flags. They are no settings:
// those of the same names say what is archived.
type sampleFilter struct {
	times             rangeFlags
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
	f.times.add(flags, "from this time on: how long ago, as in 36h, or a time, as in 2017-09-27, yesterday or 2017-09-27T07:00:00Z", "before this time")
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
	f.window = schema.Window{From: f.times.since.at(now), To: f.times.until.at(now)}
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
		s.Metric = func(m schema.MetricName) bool { return globbed(f.metrics, string(m)) }
	}
	return s
}

func (f *sampleFilter) wants(cluster string, e schema.Entity) bool {
	switch {
	case f.cluster != "" && cluster != f.cluster,
		len(f.kinds) > 0 && !slices.Contains(f.kinds, e.Kind),
		len(f.namespaces) > 0 && !(e.Namespace != "" && globbed(f.namespaces, e.Namespace)),
		e.Namespace != "" && globbed(f.excludeNamespaces, e.Namespace),
		len(f.pods) > 0 && !(e.Pod != "" && globbed(f.pods, e.Pod)):
		return false
	}
	return true
}

// globbed reports whether a name matches one of the globs, in which * stands
// for slashes too.
func globbed(globs []string, name string) bool {
	plain := strings.NewReplacer("/", "\x00").Replace
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(plain(glob), plain(name))
		return ok && err == nil
	})
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
	return explainNoMatch(ctx, reader, 0, []nameFilter{
		{flag: "cluster-name", what: "cluster", column: "cluster", globs: clusters},
		{flag: "kinds", what: "kind", column: "kind", globs: kinds},
		{flag: "namespace", what: "namespace", column: "namespace", globs: f.namespaces},
		{flag: "exclude-namespace", what: "namespace", column: "namespace", globs: f.excludeNamespaces, exclude: true},
		{flag: "pod", what: "pod", column: "pod", globs: f.pods},
	})
}

// checkNames refuses globs of metrics that match none that the archive knows.
func (f *sampleFilter) checkNames(known []schema.MetricName) error {
	names := make([]string, len(known))
	for i, m := range known {
		names[i] = string(m)
	}
	for _, glob := range f.metrics {
		if slices.ContainsFunc(names, func(name string) bool { return globbed([]string{glob}, name) }) {
			continue
		}
		hint := "`heapstash sql \"SELECT name FROM metrics\"` lists those that it knows"
		if near := nearest(glob, names); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
		return schema.WithHint(fmt.Errorf("the archive knows no metric %q", glob), hint)
	}
	return nil
}
