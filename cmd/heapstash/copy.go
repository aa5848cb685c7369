package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"heapstash/archive/transfer"
	"heapstash/cmd/heapstash/build"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/flags"
	"heapstash/cmd/heapstash/show"
	"heapstash/cmd/heapstash/usage"
	"heapstash/schema"
)

const copyLong = `copy copies an archive into another one, from a file to ClickHouse or back: samples, entities,
the incarnations of pods, the labels of namespaces, the ledger, and what the next pass has to
remember. The next pass into TO goes on where the last pass into FROM ended. FROM and TO are
files or clickhouse:// URLs. TO is made if it is not there. It may have other clusters.

copy works day by day in constant memory, and leaves out days of a kind that are equal in both.
A copy that was killed, and a copy that is made again, goes on where the two differ; nothing is
stored twice. At the end copy reads back all that it wrote, and compares counts and sums for
each cluster, kind and day.

Passes may write to FROM meanwhile; copy says if there are newer samples, and --since copies
those. If TO is a file, it is locked meanwhile. To move a cluster to another archive: copy, stop
the passes, copy again with --since yesterday, and start the passes with the new archive.

Hours and days are not copied: a file makes its own from the samples, and ClickHouse needs none.
So what is left of a time whose raw samples were deleted is not copied, and copy says of which
time. With --lake, copy reads raw samples that pruning wrote to archive.lake, too.
` + "`heapstash snapshot`" + ` copies a file with its hours and days.

Exit codes: 0 done; 1 failed, or the two archives differ; 10 no archive FROM; 11 another writer
holds TO; 130 interrupted.`

const copyExample = `  heapstash copy heapstash.db clickhouse://heapstash@ch1:9000,ch2:9000/heapstash?cluster=prod
  heapstash copy --since 2d heapstash.db clickhouse://heapstash@ch1:9000/heapstash
  heapstash copy clickhouse://heapstash@ch1:9000/heapstash heapstash.db`

// copyFlags are the flags of copy.
type copyFlags struct {
	json, lake bool
	since      flags.Moment
}

func newCopyCommand() *cobra.Command {
	var c copyFlags
	cmd := &cobra.Command{
		Use:     "copy FROM TO",
		Short:   "Copy an archive to a file or to ClickHouse",
		Long:    copyLong,
		Example: copyExample,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("copy takes two archives: FROM and TO")
			}
			return nil
		},
		RunE: withConfig(func(cmd *cobra.Command, cfg config.Config, args []string) error {
			for _, name := range []string{"db-file", "archive", "cluster-name"} {
				if cmd.Flags().Lookup(name).Changed {
					return usage.Error(cmd, fmt.Errorf("--%s: copy does not read it", name))
				}
			}
			if args[0] == args[1] {
				return errors.New("FROM and TO are the same archive")
			}
			return c.copy(cmd, cfg, args[0], args[1])
		}),
	}
	config.AddFlags(cmd.Flags(), config.LockFlags)
	cmd.Flags().BoolVar(&c.json, "json", false, "print one JSON object")
	cmd.Flags().BoolVar(&c.lake, "lake", false, "also raw samples in archive.lake")
	cmd.Flags().Var(&c.since, "since", "only samples of this day and later: a time, or how long ago, as in 2d")
	return cmd
}

// copied is the result of a copy, as --json prints it.
type copied struct {
	transfer.Report
	// Newest is the newest sample of FROM after the copy.
	Newest  schema.Instant `json:"newest"`
	Seconds float64        `json:"seconds"`
	// where the raw samples are that are not copied.
	where string
}

func (c *copyFlags) copy(cmd *cobra.Command, cfg config.Config, from, to string) (err error) {
	source, err := cfg.WithArchive(from)
	if err != nil {
		return err
	}
	target, err := cfg.WithArchive(to)
	if err != nil {
		return err
	}
	started := time.Now()
	result, err := c.run(cmd, source, target)
	if err != nil {
		return err
	}
	result.Seconds = time.Since(started).Seconds()
	if err := printResult(cmd, c.json, result, func(w io.Writer) error { return result.print(w) }); err != nil {
		return err
	}
	if n := result.Faults(); n > 0 {
		return schema.WithHint(fmt.Errorf("the archives differ in %d days of a kind", n),
			"TO keeps the samples that it has: was it written before, by passes of another cluster of that name?")
	}
	return nil
}

func (c *copyFlags) run(cmd *cobra.Command, source, target config.Config) (result copied, err error) {
	ctx := cmd.Context()
	from, err := engine.OpenSource(ctx, source, c.lake)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	status, err := from.Status(ctx)
	if err != nil {
		return result, err
	}
	to, err := engine.OpenTarget(ctx, target, engine.Options{
		LockWait: target.RetryLock, Migrating: engine.LogMigration(config.NewLogger(cmd.ErrOrStderr(), target)),
	})
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	opts := transfer.Options{Version: build.Info().Version, Since: c.since.At(time.Now()), Now: time.Now}
	if steps := show.Steps(cmd.ErrOrStderr()); steps != nil {
		defer steps("", 0, 0)
		opts.Step = steps
	}
	result.where = "gone"
	if len(status.InLake) > 0 && !c.lake {
		result.where = "gone, or in the lake: --lake copies those"
	}
	if result.Report, err = transfer.Run(ctx, from, status, to, opts); err != nil {
		return result, err
	}
	if status, err = from.Status(ctx); err != nil {
		return result, err
	}
	for _, k := range status.Kinds {
		result.Newest = max(result.Newest, k.Newest)
	}
	return result, nil
}

// print prints the result for people.
func (c copied) print(w io.Writer) error {
	l := show.NewList(w)
	for _, d := range c.Differences {
		l.Pair("differs", "%v", d)
	}
	for _, b := range c.Bare {
		l.Pair("not copied", "%v: their raw samples are %s", b, c.where)
	}
	for _, cluster := range c.Kept {
		l.Pair("memory", "of %s: TO has newer passes, and keeps its own", cluster)
	}
	l.Pair("copied", "%d samples, of them %d written now; %v to %v", c.Samples, c.Written, c.From, c.To)
	l.Pair("names", "%s, and %s", counted(int64(len(c.Clusters)), "cluster", "clusters"), counted(int64(c.Entities), "entity", "entities"))
	l.Pair("ledger", "%s, %s", counted(int64(c.Passes), "pass", "passes"), counted(int64(c.Holes), "hole", "holes"))
	verdict := "all are equal"
	if n := c.Faults(); n > 0 {
		verdict = fmt.Sprintf("%d differ", n)
	}
	l.Pair("compared", "%s of a kind: %s", counted(int64(c.Pieces), "day", "days"), verdict)
	if c.Newest > c.To {
		l.Pair("newer", "FROM has samples up to %v by now: copy again, with --since %s", c.Newest, c.To.Time().Format(time.DateOnly))
	}
	return l.Render()
}
