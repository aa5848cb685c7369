package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

func newSnapshotCommand() *cobra.Command {
	var asJSON, force bool
	cmd := &cobra.Command{
		Use:   "snapshot FILE",
		Short: "Copy the archive, as it is at one moment, to a file for others to read",
		Long: "snapshot copies the archive as it is at one moment, while passes write on. The copy is one\n" +
			"packed file that needs no other beside it, so it can lie where nobody can write: on a\n" +
			"read-only mount, an image, another machine. sqlite3 and heapstash read it like the archive.\n" +
			"Put in its place it is the archive: first stop what writes there, and move the archive away\n" +
			"with its -wal and -shm files, which are of no other. It has the mode of archive.mode, and needs\n" +
			"as much space as the archive. FILE is there whole or not at all.\n\n" +
			"Exit codes: 0 done; 1 failed; 10 no archive.",
		Example: "  heapstash snapshot /backup/heapstash.db\n" +
			"  heapstash snapshot --force /srv/grafana/heapstash.db    # hourly, from cron\n" +
			"  HEAPSTASH_ARCHIVE_MODE=0644 heapstash snapshot /srv/public/heapstash.db",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Load(cmd.Flags())
			if err != nil {
				return err
			}
			opts := engine.SnapshotOptions{Options: engine.OptionsOf(cfg), Replace: force}
			started := time.Now()
			s, err := engine.Copy(cmd.Context(), cfg.DBFile, args[0], opts)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(s)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %v, samples up to %v, in %v\n",
				args[0], schema.Size(s.Bytes), s.Horizon, time.Since(started).Round(time.Millisecond))
			return err
		},
	}
	config.AddFlags(cmd.Flags(), config.LockFlags)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().BoolVar(&force, "force", false, "replace the snapshot that FILE is")
	return cmd
}

func oneFile(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return errors.New("no file is given for the snapshot")
	case len(args) > 1:
		return errors.New("more than one file is given")
	case args[0] == "-":
		return errors.New("a snapshot cannot go to stdout: SQLite writes its pages in no order")
	}
	return nil
}
