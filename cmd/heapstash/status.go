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
	"heapstash/cmd/heapstash/show"
	"heapstash/cmd/heapstash/status"
	"heapstash/cmd/heapstash/usage"
	"heapstash/schema"
)

// statusFlags are the flags of status.
type statusFlags struct {
	json, gaps, space bool
	since             flags.Moment
	timeout           time.Duration
}

const statusLong = `status says what the archive holds, how its last passes went, and how much is missing for
which cause. It says from when to when there are raw samples, hours and days, how many bytes
a day the archive grows, and how long the disk lasts. The growth is the bytes in use divided
by the time of the raw samples; it is known from 6 hours of samples on. It counts
archive.max_size and archive.retention as this command has them set. It also says which raw
samples are in the lake, and with archive.lake how many days and bytes there are. A note says if
the lake cannot be read, or lacks one of these days.

With --gaps, it lists what is missing: from when to when (on Heapster's clock, both ends
included), of which scope, and why. A hole without a time lost no samples that are known; it
is listed at the time of its pass. With --space, it says how much space the raw samples,
hours and days of each kind take, exactly, and about how much each namespace takes. That
takes a while.`

func newStatusCommand() *cobra.Command {
	var s statusFlags
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Say what the archive holds, how its last passes went and what is missing",
		Long:    statusLong,
		Example: "  heapstash status\n  heapstash status --space\n  heapstash status --gaps --since 24h",
		RunE: withConfig(func(cmd *cobra.Command, cfg config.Config, _ []string) error {
			if s.since.Text != "" && !s.gaps {
				return usage.Error(cmd, errors.New("--since goes with --gaps"))
			}
			var held archive.Status
			from := s.since.At(time.Now())
			err := engine.Ask(cmd.Context(), cfg, s.timeout, func(ctx context.Context, reader engine.Reader) (err error) {
				if held, err = reader.Status(ctx); err != nil {
					return err
				}
				if s.gaps {
					held.Holes, err = reader.Holes(ctx, from)
				}
				if s.space && err == nil {
					held.Usage, err = usageOf(ctx, reader)
				}
				return err
			})
			if err != nil {
				return err
			}
			if l := engine.LakeOf(cfg); l != nil {
				if held.Lake, err = l.Usage(); err == nil {
					err = l.Check(held.InLake)
				}
				if err != nil {
					show.Lines(cmd.ErrOrStderr(), "note: ", err.Error())
					show.Lines(cmd.ErrOrStderr(), "hint: ", schema.HintOf(err))
				}
			}
			out := cmd.OutOrStdout()
			if s.json {
				return status.Encode(out, held)
			}
			if s.gaps {
				status.PrintHoles(out, held.Holes, from)
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
		}),
	}
	cmd.Flags().BoolVar(&s.json, "json", false, "print one JSON object")
	flags.AddTimeout(cmd.Flags(), &s.timeout)
	cmd.Flags().BoolVar(&s.gaps, "gaps", false, "list what is missing, and why")
	cmd.Flags().BoolVar(&s.space, "space", false, "say how much space each kind, level and namespace takes")
	cmd.Flags().Var(&s.since, "since", "with --gaps: only what is missing since then, a time or a duration")
	return cmd
}

// usageOf returns how the archive's space is used.
func usageOf(ctx context.Context, reader engine.Reader) (*archive.Usage, error) {
	meter, ok := reader.(engine.Meter)
	if !ok {
		return nil, errors.New("this archive's engine does not measure how its space is used")
	}
	usage, err := meter.Usage(ctx)
	return &usage, err
}
