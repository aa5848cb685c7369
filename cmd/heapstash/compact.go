package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

func newCompactCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "compact",
		Short: "Put the archive's closed hours in order now, and return its free space",
		Long: "compact does at once what passes do by themselves: it moves the hours that have closed to\n" +
			"the tables where a series lies together. Beyond that it returns the free pages of the file\n" +
			"to the file system, and empties the write-ahead log. It works in turns of half a second,\n" +
			"and passes get in between.\n\n" +
			"Exit codes: 0 done; 1 failed; 10 no archive; 11 another writer holds it (see --retry-lock).",
		Example: "  heapstash compact --db-file /var/lib/heapstash/heapstash.db --retry-lock 1m",
		RunE: withFile(func(cmd *cobra.Command, cfg config.Config, _ []string) error {
			opts := engine.FileOptionsOf(cfg)
			opts.Migrating = engine.LogMigration(config.NewLogger(cmd.ErrOrStderr(), cfg))
			done, err := engine.Compact(cmd.Context(), cfg.DBFile, opts, time.Now())
			if err != nil {
				return err
			}
			return printResult(cmd, asJSON, done, func(w io.Writer) error { return printCompaction(w, done) })
		}),
	}
	config.AddFlags(cmd.Flags(), config.LockFlags)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func printCompaction(w io.Writer, c engine.Compaction) error {
	l := show.NewList(w)
	for _, m := range c.Moved {
		l.Pair("moved", "%d rows of %s", m.Rows, m.Table)
	}
	if len(c.Moved) == 0 {
		l.Pair("moved", "nothing: no hour has closed since the last pass")
	}
	addSpace(l, c.Returned, c.Before, c.After)
	if c.Log > 0 {
		l.Pair("log", "%v of the write-ahead log stay until the readers of the archive are done", schema.Size(c.Log))
	}
	return l.Render()
}

// addSpace adds to a list the space that was returned and the archive's size.
func addSpace(l *show.List, returned, before, after int64) {
	l.Pair("returned", "%v to the file system", schema.Size(returned))
	l.Pair("size", "%v, before %v", schema.Size(after), schema.Size(before))
}
