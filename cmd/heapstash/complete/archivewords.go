package complete

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

// The longest time of a completion, and the most names in it.
const (
	completionTime = time.Second
	mostCompleted  = 1000
)

// archiveWords asks the archive of the command line for words. If there is no archive,
// or it does not answer in time, there are no words and no message.
func archiveWords(cmd *cobra.Command, ask func(context.Context, engine.Reader) ([]string, error)) []string {
	cfg, err := config.Load(cmd.Flags(), io.Discard)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	reader, err := engine.Read(ctx, cfg)
	if err != nil {
		return nil
	}
	defer reader.Close() // read only
	words, err := ask(ctx, reader)
	if err != nil {
		return nil
	}
	return words
}

// namesOf returns the names that entities of a kind, or of any kind, have in the
// columns, joined by slashes. Pods and containers are those of --namespace.
func namesOf(kind schema.Kind, columns ...string) func(*cobra.Command, string) []string {
	return func(cmd *cobra.Command, typed string) []string {
		q := query.Query{Kind: kind}
		inNamespace := slices.Contains(columns, "pod") || slices.Contains(columns, "container")
		if f := cmd.Flags().Lookup("namespace"); f != nil && f.Changed && inNamespace {
			q.Namespaces, _ = cmd.Flags().GetStringSlice("namespace")
		}
		return archiveWords(cmd, func(ctx context.Context, reader engine.Reader) (words []string, err error) {
			found, err := reader.Names(ctx, q, columns...)
			for _, names := range found {
				name := strings.Join(names, "/")
				if strings.HasPrefix(name, typed) && len(words) < mostCompleted {
					words = append(words, name)
				}
			}
			return words, err
		})
	}
}

// labelPairs returns KEY:VALUE of all labelled series.
func labelPairs(cmd *cobra.Command, _ string) []string {
	return splitLabels(namesOf(0, "labels")(cmd, ""))
}

// splitLabels splits label sets into pairs. A value may contain a comma: a part without
// a colon is left out.
func splitLabels(sets []string) []string {
	var pairs []string
	for _, set := range sets {
		for pair := range strings.SplitSeq(set, ",") {
			if strings.Contains(pair, ":") {
				pairs = append(pairs, pair)
			}
		}
	}
	return pairs
}

// groupWords returns the words by which series can be grouped.
func groupWords(cmd *cobra.Command, typed string) []string {
	words := []string{"cluster", "namespace", "pod", "container", "node", "owner"}
	for _, pair := range labelPairs(cmd, "") {
		key, _, _ := strings.Cut(pair, ":")
		words = append(words, key)
	}
	for _, pair := range splitLabels(namesOf(schema.Pod, "pod_labels")(cmd, "")) {
		key, _, _ := strings.Cut(pair, ":")
		words = append(words, "label:"+key)
	}
	return words
}

// metricWords returns the metrics of the registry with their meaning, and the other
// metrics of the archive.
func metricWords(cmd *cobra.Command, _ string) []string {
	var words []string
	for _, m := range schema.Registry() {
		words = append(words, string(m.Name)+"\t"+m.Description)
	}
	for _, name := range archiveWords(cmd, func(ctx context.Context, reader engine.Reader) ([]string, error) {
		return reader.MetricNames(ctx)
	}) {
		if _, ok := schema.Lookup(schema.MetricName(name)); !ok {
			words = append(words, name)
		}
	}
	return words
}

// list completes the last item of a list with commas.
func list(words func(cmd *cobra.Command, typed string) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		comma := strings.LastIndex(typed, ",") + 1
		begun, item := typed[:comma], typed[comma:]
		var whole []string
		for _, word := range words(cmd, item) {
			if strings.HasPrefix(word, item) {
				whole = append(whole, begun+word)
			}
		}
		slices.Sort(whole)
		return slices.Compact(whole), cobra.ShellCompDirectiveNoFileComp
	}
}

// Metrics completes the names of metrics.
func Metrics(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	return list(metricWords)(cmd, nil, typed)
}

// Views completes the names of the archive's views, or of its tables.
func Views(tables bool) cobra.CompletionFunc {
	return list(func(cmd *cobra.Command, _ string) []string {
		return archiveWords(cmd, func(ctx context.Context, reader engine.Reader) ([]string, error) {
			file, ok := reader.(engine.File)
			if !ok {
				return nil, nil // only SQLite's archives list their views
			}
			views, err := file.Views(ctx, tables)
			return engine.ViewNames(views), err
		})
	})
}
