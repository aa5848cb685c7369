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

// statusFlags are the flags of status.
type statusFlags struct {
	json, gaps, space bool
	since             flags.Moment
	timeout           time.Duration
}

func newStatusCommand() *cobra.Command {
	var s statusFlags
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
			if s.since.Text != "" && !s.gaps {
				return usage.Error(cmd, errors.New("--since goes with --gaps"))
			}
			cfg, err := config.Load(cmd.Flags())
			if err != nil {
				return err
			}
			var held archive.Status
			from := s.since.At(time.Now())
			err = engine.Ask(cmd.Context(), cfg.DBFile, s.timeout, func(ctx context.Context, reader *engine.Reader) (err error) {
				if held, err = reader.Status(ctx); err != nil {
					return err
				}
				if s.gaps {
					held.Gaps, err = reader.Gaps(ctx, from)
				}
				if s.space && err == nil {
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
			if s.json {
				return status.Encode(out, held)
			}
			if s.gaps {
				status.PrintGaps(out, held.Gaps, from)
			}
			if s.gaps && s.space {
				fmt.Fprintln(out)
			}
			if s.space {
				status.PrintUsage(out, *held.Usage)
			}
			if !s.gaps && !s.space {
				status.Print(out, held, cfg)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&s.json, "json", false, "print one JSON object")
	flags.AddTimeout(cmd.Flags(), &s.timeout)
	cmd.Flags().BoolVar(&s.gaps, "gaps", false, "list what is missing, and why")
	cmd.Flags().BoolVar(&s.space, "space", false, "say what takes the space, by kind and level, and by namespace")
	cmd.Flags().Var(&s.since, "since", "with --gaps: only what is missing since then, a time or a duration")
	return cmd
}
