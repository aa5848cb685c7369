package complete

import (
	"strings"

	"github.com/spf13/cobra"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// flagValues are what flags take, by their names, for the shell to complete.
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
		"kind":                words(kindNames()...),
		"level":               words("auto", "raw", "hourly", "daily"),
		"unit":                words("raw", "auto", "Ki", "Mi", "Gi", "Ti", "millicores", "cores"),

		"agg":               List(func(*cobra.Command, string) []string { return aggWords() }),
		"by":                List(groupWords),
		"namespace":         List(namesOf(selectNamespaces)),
		"exclude-namespace": List(namesOf(selectNamespaces)),
		"pod":               List(namesOf(selectPods)),
		"exclude-pod":       List(namesOf(selectWholePods)),
		"container":         List(namesOf(selectContainers)),
		"node":              List(namesOf(selectNodes)),
		"metric":            List(metricWords),
		"label":             List(labelPairs),
		"cluster-name":      List(namesOf(selectClusters)),
	}
}

func aggWords() []string {
	var words []string
	for _, agg := range query.Aggs() {
		words = append(words, string(agg))
	}
	return words
}

func kindNames() []string {
	var names []string
	for _, kind := range schema.Kinds() {
		names = append(names, kind.String())
	}
	return names
}

// completeKinds completes the last item of a list.
func completeKinds(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	begun := typed[:strings.LastIndex(typed, ",")+1]
	var lists []string
	for _, kind := range schema.Kinds() {
		lists = append(lists, begun+kind.String())
	}
	return lists, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// Flags tells the shell what the flags of a command take, where the
// command has not told it already; and those of its own commands.
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
