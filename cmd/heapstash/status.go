package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"heapstash/archive"
	"heapstash/schema"
)

func newStatusCommand() *cobra.Command {
	var asJSON, gaps, space bool
	var timeout time.Duration
	var since momentFlag
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say what the archive holds, how its last passes went and what is missing",
		Long: "status says what the archive holds, how its last passes went, and how much is missing for\n" +
			"what cause. With --gaps it lists what is missing: from when to when (on Heapster's clock,\n" +
			"both ends included), of what, and why. A hole without a time lost nothing, or nothing\n" +
			"that is known; it stands under the time of its pass. With --space it says what takes the\n" +
			"space of the file, which takes it a while: of each kind raw samples, hours and days, to the\n" +
			"page; and of each namespace, about.",
		Example: "  heapstash status\n" +
			"  heapstash status --space\n" +
			"  heapstash status --gaps --since 24h",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since.text != "" && !gaps {
				return usageError(cmd, errors.New("--since goes with --gaps"))
			}
			cfg, err := loadConfig(cmd.Flags())
			if err != nil {
				return err
			}
			reader, err := archive.OpenReader(cmd.Context(), cfg.DBFile)
			if err != nil {
				return err
			}
			defer reader.Close() // read only
			var status archive.Status
			from := since.at(time.Now())
			err = within(cmd.Context(), timeout, func(ctx context.Context) (err error) {
				if status, err = reader.Status(ctx); err != nil {
					return err
				}
				if gaps {
					status.Gaps, err = reader.Gaps(ctx, from)
				}
				if space {
					var usage archive.Usage
					usage, err = reader.Usage(ctx)
					status.Usage = &usage
				}
				return err
			})
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			switch {
			case asJSON:
				return json.NewEncoder(out).Encode(status)
			case gaps:
				printGaps(out, status.Gaps, from)
			case space:
				printUsage(out, *status.Usage)
			default:
				printStatus(out, status)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().DurationVar(&timeout, "timeout", usualTimeout, "give up after this long; 0 for never")
	cmd.Flags().BoolVar(&gaps, "gaps", false, "list what is missing, and why")
	cmd.Flags().BoolVar(&space, "space", false, "say what takes the space, by kind and level, and by namespace")
	cmd.MarkFlagsMutuallyExclusive("gaps", "space")
	cmd.Flags().Var(&since, "since", "with --gaps: only what is missing since then, a time or a duration")
	return cmd
}

// printStatus tells people what the archive holds.
func printStatus(w io.Writer, s archive.Status) {
	fmt.Fprintf(w, "%s: %s, format %d\n", s.Path, schema.Size(s.Bytes), s.Version)

	if len(s.Kinds) > 0 {
		fmt.Fprintln(w)
		t := newTable(w)
		t.AppendHeader(table.Row{"cluster", "kind", "entities", "listed", "oldest sample", "newest sample"})
		for _, k := range s.Kinds {
			t.AppendRow(table.Row{k.Cluster, k.Kind.String(), k.Entities, k.Listed, k.Oldest, k.Newest})
		}
		t.Render()
	}
	if len(s.Passes) > 0 {
		fmt.Fprintln(w)
		t := newTable(w)
		t.AppendHeader(table.Row{"pass", "cluster", "started", "took", "outcome", "new", "conflicts", "lost"})
		for _, p := range s.Passes {
			took := time.Duration(p.DurationMS) * time.Millisecond
			lost := time.Duration(p.GapSeconds) * time.Second
			t.AppendRow(table.Row{p.ID, p.Cluster, p.Started, took, p.Outcome, p.New, p.Conflicts, lost})
		}
		t.Render()
	}
	if len(s.Causes) > 0 {
		fmt.Fprintln(w)
		t := newTable(w)
		t.AppendHeader(table.Row{"holes", "cause", "lost", "lasting", "last pass with one"})
		for _, c := range s.Causes {
			t.AppendRow(table.Row{c.Holes, c.Cause, time.Duration(c.Seconds) * time.Second, c.Lasting, c.Last})
		}
		t.Render()
	}
	for _, p := range s.Passes {
		if p.Error != "" {
			fmt.Fprintf(w, "\nThe last pass that failed, %d: %s\n", p.ID, p.Error)
			break
		}
	}
}
