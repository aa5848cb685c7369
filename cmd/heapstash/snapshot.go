package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

const snapshotLong = `snapshot copies the archive as it is at one moment, while passes write on. The copy is one
packed file that needs no other file beside it, so it can lie on a read-only mount, in an
image, or on another machine. sqlite3 and heapstash read it like the archive. To put it in
the archive's place, first stop what writes there, and move the archive away with its -wal
and -shm files: they belong to that archive only. The copy has the mode of archive.mode,
and needs as much space as the archive. FILE appears once it is whole.

Exit codes: 0 done; 1 failed; 10 no archive.`

const snapshotExample = `  heapstash snapshot /backup/heapstash.db
  heapstash snapshot --force /srv/grafana/heapstash.db    # hourly, from cron
  HEAPSTASH_ARCHIVE_MODE=0644 heapstash snapshot /srv/public/heapstash.db`

func newSnapshotCommand() *cobra.Command {
	var asJSON, force bool
	cmd := &cobra.Command{
		Use:     "snapshot FILE",
		Short:   "Copy the archive, as it is at one moment, to a file for others to read",
		Long:    snapshotLong,
		Example: snapshotExample,
		Args:    oneFile,
		RunE: withFile(func(cmd *cobra.Command, cfg config.Config, args []string) error {
			started := time.Now()
			s, err := engine.Copy(cmd.Context(), cfg.DBFile, args[0], engine.SnapshotOptions{Options: engine.FileOptionsOf(cfg), Replace: force})
			if err != nil {
				return err
			}
			return printResult(cmd, asJSON, s, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s: %v, samples up to %v, in %v\n",
					args[0], schema.Size(s.Bytes), s.Horizon, time.Since(started).Round(time.Millisecond))
				return err
			})
		}),
	}
	config.AddFlags(cmd.Flags(), config.LockFlags)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE if it is a snapshot")
	return cmd
}

func oneFile(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return errors.New("no file is given for the snapshot")
	case len(args) > 1:
		return errors.New("more than one file is given")
	case args[0] == "-":
		return errors.New("a snapshot cannot go to stdout: SQLite does not write pages in order")
	}
	return nil
}
