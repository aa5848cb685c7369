package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/cmd/heapstash/top"
	"heapstash/cmd/heapstash/usage"
	"heapstash/schema"
)

const topLong = `top shows CPU and memory side by side, in the columns and units of kubectl top: millicores (m) and
Mi, rounded down. Memory is the working set. Requests and limits stand beside, and of nodes the
share of what can be allocated. A namespace is the sum of its pods.

Without --since it shows the newest batch in the archive, or the last one before --until. With
--since it shows the average, the 95th percentile and the maximum of the range, as query does,
and the greatest request and limit.

Formats for machines have millicores and bytes, and a cluster's name.`

func newTopCommand() *cobra.Command {
	var t top.TopFlags
	cmd := &cobra.Command{
		Use:   "top [pods|nodes|namespaces|containers]",
		Short: "Show CPU and memory side by side, as kubectl top, now or over a range",
		Long:  topLong,
		Example: "  heapstash top\n" +
			"  heapstash top nodes --sort-by memory\n" +
			"  heapstash top namespaces --since 7d --exclude-namespace kube-system",
		ValidArgs: top.TopWords(),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && !slices.Contains(top.TopWords(), args[0]) {
				return fmt.Errorf("top takes one of %s", strings.Join(top.TopWords(), ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Load(cmd.Flags())
			if err != nil {
				return err
			}
			if t.SortBy != "cpu" && t.SortBy != "memory" {
				return usage.Error(cmd, fmt.Errorf("--sort-by %s: write cpu or memory", t.SortBy))
			}
			var clusters []string
			if f := cmd.Flags().Lookup("cluster-name"); f.Changed {
				clusters = []string{f.Value.String()}
			}
			word := append(args, "pods")[0]
			if word == "nodes" && len(t.Namespaces)+len(t.ExcludeNamespaces)+len(t.Pods) > 0 {
				return schema.WithHint(errors.New("nodes have no namespace and no pod"), "leave out --namespace, --exclude-namespace and --pod; `heapstash top pods --node NAME` shows the pods of a node")
			}
			return t.Run(cmd, cfg.DBFile, clusters, word)
		},
	}
	f := cmd.Flags()
	t.Times.Add(f, "over a range that begins then: how long ago, or a time (default: the newest batch)", "end of the range, which is not in it (default now)")
	f.StringSliceVarP(&t.Namespaces, "namespace", "n", nil, "namespaces that match this glob (repeatable)")
	f.StringSliceVar(&t.ExcludeNamespaces, "exclude-namespace", nil, "nothing of namespaces that match this glob (repeatable)")
	f.StringSliceVar(&t.Pods, "pod", nil, "pods that match this glob (repeatable)")
	f.StringSliceVar(&t.Node, "node", nil, "nodes that match this glob, or what was on them (repeatable)")
	f.StringVar(&t.SortBy, "sort-by", "cpu", "cpu or memory, the greatest first")
	f.IntVar(&t.Top, "top", 0, "only so many rows, the greatest; 0 for all")
	f.StringVar(&t.Format, "format", "table", show.FormatUsage)
	f.BoolVarP(&t.Quiet, "quiet", "q", false, "no notes on stderr")
	f.DurationVar(&t.Timeout, "timeout", engine.UsualTimeout, "give up after this long; 0 for never")
	if err := cmd.RegisterFlagCompletionFunc("sort-by", cobra.FixedCompletions([]string{"cpu", "memory"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag
	}
	return cmd
}
