package main

import (
	"strings"

	"github.com/spf13/cobra"

	"heapstash/schema"
)

// fixedValues are the flags that take one of a few words, for the shell to
// complete.
func fixedValues() map[string]cobra.CompletionFunc {
	words := func(words ...string) cobra.CompletionFunc {
		return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
	}
	return map[string]cobra.CompletionFunc{
		"log-level":           words("debug", "info", "warn", "error"),
		"log-format":          words("auto", "text", "json"),
		"heapster-scheme":     words("http", "https"),
		"heapster-proxy-path": words("auto", "modern", "legacy"),
		"format":              words(rowFormats...),
		"kinds":               completeKinds,
		"kind":                words(kindNames()...),
		"level":               words("auto", "raw", "hourly", "daily"),
		"unit":                words("raw", "auto", "Ki", "Mi", "Gi", "Ti", "millicores", "cores"),
	}
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

// completeFlags tells the shell what the flags of a command take, where the
// command has not told it already.
func completeFlags(cmd *cobra.Command) {
	for name, complete := range fixedValues() {
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
