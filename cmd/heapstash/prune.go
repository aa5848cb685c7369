package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heapstash/archive"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

const pruneLong = `prune deletes samples, hours and days that are older than archive.retention says, in whole
days (whole hours where less than a week is kept), and the names that they leave unused. If
the archive is still larger than archive.max_size, it deletes the oldest rows that are
left. It returns the space to the file system. Passes do the same a little at a time, so
prune is for the first time, after a change of the settings, or when the disk is full.
--keep-raw, --keep-hourly and --keep-daily replace archive.retention.raw, hourly and daily
for this run. With archive.lake, days of raw samples are written there first, and deleted once
they are safe. It works in turns of half a second, and passes get in between. If it is
killed, the next run continues.

Exit codes: 0 done; 1 failed, or no retention is set; 10 no archive; 11 another writer
holds it (see --retry-lock); 130 interrupted.`

const pruneExample = `  heapstash prune --dry-run --keep-raw 90d
  HEAPSTASH_ARCHIVE_RETENTION_RAW=90d,container=30d heapstash prune --retry-lock 1m`

func newPruneCommand() *cobra.Command {
	var asJSON, dryRun bool
	keep := make(config.KeepFlags)
	cmd := &cobra.Command{
		Use:     "prune",
		Short:   "Delete what is older than archive.retention, and return its space",
		Long:    pruneLong,
		Example: pruneExample,
		RunE: withFile(func(cmd *cobra.Command, cfg config.Config, _ []string) error {
			if err := keep.Override(&cfg.Archive.Retention); err != nil {
				return err
			}
			opts := engine.FileOptionsOf(cfg)
			if !opts.Retention.Limited() && opts.MaxSize == 0 {
				return schema.WithHint(
					errors.New("archive.retention keeps everything: there is nothing to prune"),
					"set archive.retention.raw, such as 90d, or 90d,container=30d, or archive.max_size; see config.example.yaml;\nor give --keep-raw 90d for this run alone",
				)
			}
			if dryRun {
				return showPrunable(cmd, cfg, asJSON)
			}
			opts.Migrating = engine.LogMigration(config.NewLogger(cmd.ErrOrStderr(), cfg))
			pruned, err := engine.Prune(cmd.Context(), cfg.DBFile, opts, time.Now())
			if err != nil {
				return err
			}
			return printResult(cmd, asJSON, pruned, func(w io.Writer) error { return printPruned(w, pruned) })
		}),
	}
	config.AddFlags(cmd.Flags(), config.LockFlags)
	keep.Add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be deleted")
	return cmd
}

func showPrunable(cmd *cobra.Command, cfg config.Config, asJSON bool) error {
	reader, err := engine.ReadFile(cmd.Context(), cfg.DBFile)
	if err != nil {
		return err
	}
	defer reader.Close() // read only
	p, err := reader.Prunable(cmd.Context(), cfg.Archive.Retention.ByKind(), cfg.Archive.Lake != "", time.Now())
	if err != nil {
		return err
	}
	return printResult(cmd, asJSON, p, func(w io.Writer) error {
		printPrunable(w, p)
		if raw := p.RawSamples(); cfg.Archive.Lake != "" && raw > 0 {
			fmt.Fprintf(w, "%d raw samples are written to the lake %s first: about %v.\n", raw, cfg.Archive.Lake, schema.Size(raw))
		}
		if limit := int64(cfg.Archive.MaxSize); limit > 0 && p.Used > limit {
			fmt.Fprintf(w, "The archive has %v in use, and archive.max_size is %v: if these do not suffice, the oldest rows of the rest are deleted.\n",
				schema.Size(p.Used), schema.Size(limit))
		}
		return nil
	})
}

// printPrunable prints what would be deleted, and what remains.
func printPrunable(out io.Writer, p engine.Prunable) {
	t := show.NewGrid(out, "rows of", "before", "rows", "samples", "oldest", "newest", "about")
	t.AlignRight(2, 3, 6)
	for _, k := range p.Kinds {
		row := []any{k.Level.View(k.Kind.String()), k.Before, k.Rows, "", "", "", ""}
		if k.Level == archive.Raw {
			row[3] = k.Samples
		}
		if k.Rows > 0 {
			row[4], row[5], row[6] = k.Oldest, k.Newest, schema.Size(k.Bytes)
		}
		t.Row(row...)
	}
	sum := func(name string, l engine.PrunableLevel) {
		samples := any("")
		if l.Samples > 0 {
			samples = l.Samples
		}
		t.Row(name, "", l.Rows, samples, "", "", schema.Size(l.Bytes))
	}
	total := p.Total()
	t.Line()
	for _, l := range p.Levels {
		if slices.ContainsFunc(p.Kinds, func(k engine.PrunableKind) bool { return k.Level == l.Level }) {
			sum("all "+string(l.Level), l)
		}
	}
	sum("in all", total)
	t.Render()
	fmt.Fprintf(out, "\n%s and %s of the ledger. Nothing was changed.\n", counted(p.Passes, "pass", "passes"), counted(p.Holes, "hole", "holes"))
	remains := fmt.Sprintf("about %v of %v", schema.Size(total.Remaining()), schema.Size(total.Held))
	if p.Held != nil {
		remains = fmt.Sprintf("%d of %d samples, %s", max(*p.Held-total.Samples, 0), *p.Held, remains)
	}
	var levels []string
	for _, l := range p.Levels {
		levels = append(levels, fmt.Sprintf("%s about %v", l.Level, schema.Size(l.Remaining())))
	}
	fmt.Fprintf(out, "What remains: %s (%s).\n", remains, strings.Join(levels, ", "))
}

func printPruned(w io.Writer, p engine.Pruned) error {
	l := show.NewList(w)
	for _, level := range archive.Levels() {
		for _, kind := range schema.Kinds() {
			name := level.View(kind.String())
			if before, limited := p.Before[name]; limited {
				l.Pair(name, "%d rows from before %v", p.Rows[name], before)
			}
		}
	}
	if p.LakeConflicts > 0 {
		l.Pair("lake", "%d samples had another value there, which stays", p.LakeConflicts)
	}
	l.Pair("without samples", "%d entities, %d identities, %d conflicts", p.Entities, p.Identities, p.Conflicts)
	l.Pair("ledger", "%d passes, %d holes", p.Passes, p.Holes)
	addSpace(l, p.Returned, p.BytesThen, p.BytesNow)
	return l.Render()
}

// counted spells a number with its noun.
func counted(n int64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
