package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/complete"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/flags"
	"heapstash/cmd/heapstash/show"
	"heapstash/cmd/heapstash/top"
	"heapstash/cmd/heapstash/usage"
	"heapstash/schema"
)

const topLong = `top shows CPU and memory side by side, in the columns and units of kubectl top: millicores (m)
and Mi, rounded down. Memory is the working set. Requests and limits stand beside them, and
for nodes the share of the allocatable CPU and memory. A namespace is the sum of its pods.

Without --since, top shows the newest batch in the archive, or the last batch before
--until. With --since, it shows the average, the 95th percentile and the maximum of the
range, as query does, and the greatest request and limit.

Formats for programs have millicores, bytes and the cluster's name.`

// topFlags are the flags of top.
type topFlags struct {
	flags.Filter
	flags.Rows
	nodes  []string
	sortBy string
	top    int
}

func newTopCommand() *cobra.Command {
	var t topFlags
	cmd := &cobra.Command{
		Use:   "top [pods|nodes|namespaces|containers]",
		Short: "Show CPU and memory side by side, as kubectl top, now or over a range",
		Long:  topLong,
		Example: "  heapstash top\n" +
			"  heapstash top nodes --sort-by memory\n" +
			"  heapstash top namespaces --since 7d --exclude-namespace kube-system",
		ValidArgs: top.Subjects(),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && !slices.Contains(top.Subjects(), args[0]) {
				return fmt.Errorf("top takes one of %s", strings.Join(top.Subjects(), ", "))
			}
			return nil
		},
		RunE: withConfig(func(cmd *cobra.Command, cfg config.Config, args []string) error {
			if t.sortBy != "cpu" && t.sortBy != "memory" {
				return usage.Error(cmd, fmt.Errorf("--sort-by %s: write cpu or memory", t.sortBy))
			}
			subject := append(args, "pods")[0]
			if subject == "nodes" && len(t.Namespaces)+len(t.ExcludeNamespaces)+len(t.Pods) > 0 {
				return schema.WithHint(errors.New("nodes have no namespace and no pod"), "leave out --namespace, --exclude-namespace and --pod; `heapstash top pods --node NAME` shows the pods of a node")
			}
			out, err := show.NewRowWriter(t.Format, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			now := time.Now()
			table := top.Table{
				Subject: subject, Query: t.Query(cmd.Flags(), now), SortBy: t.sortBy, Limit: t.top,
				Format: t.Format, Quiet: t.Quiet, Zone: t.Zone.Location(),
			}
			table.Query.Nodes = t.nodes
			table.Query.To = cmp.Or(table.Query.To, schema.InstantOf(now)+1)
			return engine.Ask(cmd.Context(), cfg, t.Timeout, func(ctx context.Context, reader engine.Reader) error {
				return table.Print(ctx, reader, out, cmd.ErrOrStderr())
			})
		}),
	}
	f := cmd.Flags()
	t.Filter.Add(f, "over a range that begins then: how long ago, or a time (default: the newest batch)", "end of the range, which is not in it (default now)")
	t.Rows.Add(f)
	f.StringSliceVar(&t.nodes, "node", nil, "nodes that match this glob, or pods and containers on them (repeatable)")
	f.StringVar(&t.sortBy, "sort-by", "cpu", "cpu or memory, the greatest first")
	f.IntVar(&t.top, "top", 0, "only so many rows, the greatest; 0 for all")
	complete.Words(cmd, "sort-by", "cpu", "memory")
	return cmd
}
