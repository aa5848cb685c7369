package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"heapstash/archive"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/flags"
	"heapstash/cmd/heapstash/status"
	"heapstash/cmd/heapstash/usage"
)

func newStatusCommand() *cobra.Command {
	var asJSON, gaps, space bool
	var timeout time.Duration
	var since flags.Moment
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say what the archive holds, how its last passes went and what is missing",
		Long: "status says what the archive holds, how its last passes went, and how much is missing for\n" +
			"what cause. With --gaps it lists what is missing: from when to when (on Heapster's clock,\n" +
			"both ends included), of what, and why. A hole without a time lost nothing, or nothing\n" +
			"that is known; it stands under the time of its pass. With --space it says what takes the\n" +
			"space of the file, which takes it a while: of each kind raw samples, hours and days, to the\n" +
			"page; and of each namespace, about.\n\n" +
			"Without them, it also says from when to when there are raw samples, hours and days, how much\n" +
			"comes in a day and how long the disk lasts: the bytes in use by the time of the raw samples.\n" +
			"That is known from 6 hours of samples on, and counts archive.max_size and archive.retention\n" +
			"where this command has them set.",
		Example: "  heapstash status\n" +
			"  heapstash status --space\n" +
			"  heapstash status --gaps --since 24h",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since.Text != "" && !gaps {
				return usage.Error(cmd, errors.New("--since goes with --gaps"))
			}
			cfg, err := config.Load(cmd.Flags())
			if err != nil {
				return err
			}
			reader, err := engine.Read(cmd.Context(), cfg.DBFile)
			if err != nil {
				return err
			}
			defer reader.Close() // read only
			var held archive.Status
			from := since.At(time.Now())
			err = engine.Within(cmd.Context(), timeout, func(ctx context.Context) (err error) {
				if held, err = reader.Status(ctx); err != nil {
					return err
				}
				if gaps {
					held.Gaps, err = reader.Gaps(ctx, from)
				}
				if space && err == nil {
					var usage engine.Usage
					usage, err = reader.Usage(ctx)
					held.Usage = &usage
				}
				return err
			})
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return status.Encode(out, held)
			}
			if gaps {
				status.PrintGaps(out, held.Gaps, from)
			}
			if gaps && space {
				fmt.Fprintln(out)
			}
			if space {
				status.PrintUsage(out, *held.Usage)
			}
			if !gaps && !space {
				status.Print(out, held, cfg)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().DurationVar(&timeout, "timeout", engine.UsualTimeout, "give up after this long; 0 for never")
	cmd.Flags().BoolVar(&gaps, "gaps", false, "list what is missing, and why")
	cmd.Flags().BoolVar(&space, "space", false, "say what takes the space, by kind and level, and by namespace")
	cmd.Flags().Var(&since, "since", "with --gaps: only what is missing since then, a time or a duration")
	return cmd
}
