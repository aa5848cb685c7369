package complete

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/ask"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

// A completion asks the archive for so long at most, and for so many names.
const (
	completionTime = time.Second
	mostCompleted  = "1000"
)

// What the archive is asked for names. Each takes the begin of the name; a
// second column, where there is one, is the namespace that the name is in.
const (
	selectNamespaces = `SELECT DISTINCT namespace, '' FROM entities WHERE substr(namespace, 1, length(?1)) = ?1 ORDER BY 1 LIMIT ` + mostCompleted
	selectPods       = `SELECT DISTINCT pod, namespace FROM entities WHERE kind = 'pod' AND substr(pod, 1, length(?1)) = ?1 ORDER BY 1 LIMIT ` + mostCompleted
	selectWholePods  = `SELECT DISTINCT namespace || '/' || pod, namespace FROM entities WHERE kind = 'pod' AND substr(namespace || '/' || pod, 1, length(?1)) = ?1 ORDER BY 1 LIMIT ` + mostCompleted
	selectContainers = `SELECT DISTINCT container, ifnull(namespace, '') FROM entities WHERE substr(container, 1, length(?1)) = ?1 ORDER BY 1 LIMIT ` + mostCompleted
	selectNodes      = `SELECT DISTINCT node, '' FROM entities WHERE substr(node, 1, length(?1)) = ?1 ORDER BY 1 LIMIT ` + mostCompleted
	selectClusters   = `SELECT DISTINCT cluster, '' FROM entities WHERE substr(cluster, 1, length(?1)) = ?1 ORDER BY 1 LIMIT ` + mostCompleted
	selectLabels     = `SELECT DISTINCT labels, '' FROM entities WHERE labels IS NOT NULL AND ?1 = ?1 ORDER BY 1 LIMIT ` + mostCompleted
	selectPodLabels  = `SELECT DISTINCT labels, '' FROM pod_identities WHERE labels IS NOT NULL AND ?1 = ?1 ORDER BY 1 LIMIT ` + mostCompleted
)

// archiveWords asks the archive that the command line names. Without one, or
// where it does not answer in time, there are no words and no message.
func archiveWords(cmd *cobra.Command, ask func(context.Context, *engine.Reader) ([]string, error)) []string {
	if value, ok := cmd.Flags().Lookup("config").Value.(*config.FileFlag); ok {
		value.Stderr = io.Discard
	}
	cfg, err := config.Load(cmd.Flags())
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	reader, err := engine.Read(ctx, cfg.DBFile)
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

// namesOf runs one of the statements above. Names in namespaces that --namespace
// does not match are left out.
func namesOf(statement string) func(*cobra.Command, string) []string {
	return func(cmd *cobra.Command, typed string) []string {
		var namespaces []string
		if f := cmd.Flags().Lookup("namespace"); f != nil && f.Changed {
			namespaces, _ = cmd.Flags().GetStringSlice("namespace")
		}
		return archiveWords(cmd, func(ctx context.Context, reader *engine.Reader) ([]string, error) {
			rows, err := reader.Query(ctx, statement, typed)
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			var names []string
			for rows.Next() {
				var name, namespace string
				if err := rows.Scan(&name, &namespace); err != nil {
					return nil, err
				}
				if len(namespaces) == 0 || namespace == "" || ask.Globbed(namespaces, namespace) {
					names = append(names, name)
				}
			}
			return names, rows.Err()
		})
	}
}

// labelPairs are the KEY:VALUE of labelled series.
func labelPairs(cmd *cobra.Command, _ string) []string {
	return splitLabels(namesOf(selectLabels)(cmd, ""))
}

// splitLabels splits label sets into their pairs. A value may have a comma of
// its own: what has no colon is left out.
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

// groupWords are what series are put together by.
func groupWords(cmd *cobra.Command, typed string) []string {
	words := []string{"cluster", "namespace", "pod", "container", "node", "owner"}
	for _, pair := range labelPairs(cmd, "") {
		key, _, _ := strings.Cut(pair, ":")
		words = append(words, key)
	}
	for _, pair := range splitLabels(namesOf(selectPodLabels)(cmd, "")) {
		key, _, _ := strings.Cut(pair, ":")
		words = append(words, "label:"+key)
	}
	return words
}

// metricWords are the metrics that the archive knows, and those of the registry
// with what they mean.
func metricWords(cmd *cobra.Command, _ string) []string {
	var words []string
	for _, m := range schema.Registry() {
		words = append(words, string(m.Name)+"\t"+m.Description)
	}
	for _, name := range archiveWords(cmd, func(ctx context.Context, reader *engine.Reader) ([]string, error) {
		return reader.MetricNames(ctx)
	}) {
		if _, ok := schema.Lookup(schema.MetricName(name)); !ok {
			words = append(words, name)
		}
	}
	return words
}

// list completes the last item of a flag that takes a list with commas.
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
		return archiveWords(cmd, func(ctx context.Context, reader *engine.Reader) ([]string, error) {
			views, err := reader.Views(ctx, tables)
			var names []string
			for _, v := range views {
				names = append(names, v.Name)
			}
			return names, err
		})
	})
}
