package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"heapstash/archive"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
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
			"page; and of each namespace, about.\n\n" +
			"Without them, it also says from when to when there are raw samples, hours and days, how much\n" +
			"comes in a day and how long the disk lasts: the bytes in use by the time of the raw samples.\n" +
			"That is known from 6 hours of samples on, and counts archive.max_size and archive.retention\n" +
			"where this command has them set.",
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
			reader, err := engine.Read(cmd.Context(), cfg.DBFile)
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
				if space && err == nil {
					var usage engine.Usage
					usage, err = reader.Usage(ctx)
					status.Usage = &usage
				}
				return err
			})
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return encodeStatus(out, status)
			}
			if gaps {
				printGaps(out, status.Gaps, from)
			}
			if gaps && space {
				fmt.Fprintln(out)
			}
			if space {
				printUsage(out, *status.Usage)
			}
			if !gaps && !space {
				printStatus(out, status, cfg)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().DurationVar(&timeout, "timeout", usualTimeout, "give up after this long; 0 for never")
	cmd.Flags().BoolVar(&gaps, "gaps", false, "list what is missing, and why")
	cmd.Flags().BoolVar(&space, "space", false, "say what takes the space, by kind and level, and by namespace")
	cmd.Flags().Var(&since, "since", "with --gaps: only what is missing since then, a time or a duration")
	return cmd
}

// printStatus tells people what the archive holds.
func printStatus(w io.Writer, s archive.Status, cfg Config) {
	paint := show.NewPainter(w)
	io.WriteString(w, show.Wrap(show.Width(w), "", fmt.Sprintf("%s: %s, format %d", s.Path, schema.Size(s.Bytes), s.Version)))
	for _, line := range outlook(s, cfg) {
		io.WriteString(w, show.WrapHanging(show.Width(w), "", 2, line))
	}

	if len(s.Kinds) > 0 {
		fmt.Fprintln(w)
		t := show.NewTable(w, "cluster", "kind", "entities", "listed", "newest sample")
		for _, k := range s.Kinds {
			t.Row(k.Cluster, k.Kind.String(), k.Entities, k.Listed, k.Newest)
		}
		t.Render()
	}
	if spans := spansOf(s.Kinds); len(spans) > 0 {
		fmt.Fprintln(w)
		t := show.NewTable(w, "cluster", "level", "oldest", "newest", "kinds")
		for _, span := range spans {
			t.Row(span.cluster, string(span.level), span.oldest, span.newest, span.spellKinds())
		}
		t.Render()
	}
	if len(s.Passes) > 0 {
		fmt.Fprintln(w)
		t := show.NewTable(w, "pass", "cluster", "started", "took", "outcome", "new", "conflicts", "lost")
		for _, p := range s.Passes {
			took := time.Duration(p.DurationMS) * time.Millisecond
			lost := any(time.Duration(p.GapSeconds) * time.Second)
			if p.GapSeconds > 0 {
				lost = paint.Paint(show.Yellow, fmt.Sprint(lost))
			}
			t.Row(p.ID, p.Cluster, p.Started, took, paint.Paint(outcomeColour(p.Outcome), string(p.Outcome)), p.New, p.Conflicts, lost)
		}
		t.Render()
	}
	if len(s.Causes) > 0 {
		fmt.Fprintln(w)
		t := show.NewTable(w, "holes", "cause", "lost", "lasting", "last pass with one")
		for _, c := range s.Causes {
			cause := string(c.Cause)
			if !c.Lasting {
				cause = paint.Paint(show.Yellow, cause)
			}
			t.Row(c.Holes, cause, time.Duration(c.Seconds)*time.Second, c.Lasting, c.Last)
		}
		t.Render()
	}
	for _, p := range s.Passes {
		if p.Error != "" {
			fmt.Fprintln(w)
			first := fmt.Sprintf("The last pass that failed, %d: ", p.ID)
			io.WriteString(w, show.WrapHanging(show.Width(w), paint.Paint(show.Red, first), 2, p.Error))
			break
		}
	}
}
