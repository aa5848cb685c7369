// Package complete completes the flags and arguments of commands in a shell, with
// names from the archive.
package complete

import (
	"strings"

	"github.com/spf13/cobra"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// flagValues returns the completions of flags by name.
func flagValues() map[string]cobra.CompletionFunc {
	words := func(words ...string) cobra.CompletionFunc {
		return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
	}
	return map[string]cobra.CompletionFunc{
		"log-level":           words("debug", "info", "warn", "error"),
		"log-format":          words("auto", "text", "json"),
		"heapster-scheme":     words("http", "https"),
		"heapster-proxy-path": words("auto", "modern", "legacy"),
		"format":              words(show.RowFormats...),
		"kinds":               completeKinds,
		"kind":                words(show.Names(schema.Kinds())...),
		"level":               words("auto", "raw", "hourly", "daily"),
		"unit":                words("raw", "auto", "Ki", "Mi", "Gi", "Ti", "millicores", "cores"),

		"agg":               list(func(*cobra.Command, string) []string { return show.Names(query.Aggs()) }),
		"by":                list(groupWords),
		"namespace":         list(namesOf(0, "namespace")),
		"exclude-namespace": list(namesOf(0, "namespace")),
		"pod":               list(namesOf(schema.Pod, "pod")),
		"exclude-pod":       list(namesOf(schema.Pod, "namespace", "pod")),
		"container":         list(namesOf(0, "container")),
		"node":              list(namesOf(0, "node")),
		"metric":            list(metricWords),
		"label":             list(labelPairs),
		"cluster-name":      list(namesOf(0, "cluster")),
	}
}

// completeKinds completes the last item of a list.
func completeKinds(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	lists := show.Names(schema.Kinds())
	for i := range lists {
		lists[i] = typed[:strings.LastIndex(typed, ",")+1] + lists[i]
	}
	return lists, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// Flags registers completions for the flags of a command and of the commands below it,
// unless they have one.
func Flags(cmd *cobra.Command) {
	for _, own := range cmd.Commands() {
		Flags(own)
	}
	for name, complete := range flagValues() {
		if _, told := cmd.GetFlagCompletionFunc(name); told {
			continue
		}
		if cmd.Flags().Lookup(name) == nil && cmd.PersistentFlags().Lookup(name) == nil {
			continue
		}
		if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
			panic(err)
		}
	}
}

// Words completes a command's flag with the words.
func Words(cmd *cobra.Command, flag string, words ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag
	}
}
