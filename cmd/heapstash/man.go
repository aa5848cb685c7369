package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/build"
	"heapstash/cmd/heapstash/usage"
)

// The sections of heapstash(1) that no command has.
const (
	manExits = `  0    done
  1    failed: standard error says why, and what to do. For doctor and check: there is a fault
  3    the pass finished, and something is missing. What was read is stored. --partial-ok makes it 0
  10   there is no archive, or it is not an archive of heapstash, or a newer heapstash made it.
       Nothing was changed
  11   another writer holds the archive
  130  interrupted`

	manSettings = `A setting comes from its flag, else from its environment variable, else from the file that --config or
HEAPSTASH_CONFIG names, else from its default. Its name is always the same one: --db-file is the variable
HEAPSTASH_DB_FILE and, in the file, the key db_file. A misspelt key is an error. config.example.yaml, in heapstash's
documentation, explains every setting.

KUBECONFIG, HTTPS_PROXY and NO_PROXY mean the same as for kubectl.`

	manArchive = `The archive is an SQLite database in WAL mode: FILE, with FILE-wal and FILE-shm, and FILE.lock, by which the kernel lets
one writer in. It needs a local disk; on other disks it has a rollback journal, and passes and readers wait for one another.
Any SQLite tool reads it; archive/FORMAT.md documents its views. With --archive clickhouse://..., the archive is in ClickHouse
instead, and the variable HEAPSTASH_ARCHIVE_PASSWORD, or the file that archive.password_file names, has the password.`
)

func newManCommand() *cobra.Command {
	var directory string
	cmd := &cobra.Command{
		Use:    "man [COMMAND]",
		Short:  "Print a manual page, or write the pages of all commands",
		Hidden: true, // it is for those who package heapstash
		Args:   cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			page := usage.Manual{
				Version: build.Info().Version, Date: manDate(),
				Sections: [][2]string{{"EXIT STATUS", manExits}, {"ENVIRONMENT", manSettings}, {"FILES", manArchive}},
			}
			if directory != "" {
				return page.WriteAll(directory, cmd.Root())
			}
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return fmt.Errorf("unknown command %q", args)
			}
			text, err := page.Page(about)
			if err != nil {
				return err
			}
			_, err = io.WriteString(cmd.OutOrStdout(), text)
			return err
		},
	}
	cmd.Flags().StringVar(&directory, "all", "", "write the pages of all commands to this directory")
	return cmd
}

// manDate returns the time of SOURCE_DATE_EPOCH, else of the revision. It is never
// now, so that one source gives one page.
func manDate() time.Time {
	if seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC()
	}
	revision, err := time.Parse(time.RFC3339, build.Info().Time)
	if err != nil {
		return time.Unix(0, 0).UTC()
	}
	return revision
}
