package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/cmd/heapstash/usage"
)

// repair makes a whole archive of one that is not.
func repair(cmd *cobra.Command, cfg config.Config, to string, opts engine.CheckOptions, asJSON bool) error {
	if to == "" {
		return usage.Error(cmd, errors.New("--repair wants the name of a new file"))
	}
	done, err := engine.Repair(cmd.Context(), cfg.DBFile, to, engine.RepairOptions{
		Options:  engine.Options{LockWait: cfg.RetryLock},
		Progress: opts.Progress,
	})
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(done)
	}
	return printRepair(cmd.OutOrStdout(), done)
}

// printRepair tells people what was lost, what was changed, and what to do.
func printRepair(w io.Writer, r engine.Repaired) error {
	var text strings.Builder
	var rows int64
	for _, t := range r.Tables {
		rows += t.Rows
		if t.Pages+t.Damaged > 0 {
			fmt.Fprintf(&text, "lost   %s: %d pages and %d single rows cannot be read; %d rows were\n", t.Table, t.Pages, t.Damaged, t.Rows)
		}
	}
	for _, m := range r.Mended {
		fmt.Fprintf(&text, "mended %s (%d): %s\n", m.Table, m.Count, m.What)
	}
	fmt.Fprintf(&text, "%s: %d rows were read of %s; it has %d rows of samples, and a check finds it whole\n", r.To, rows, r.Path, r.Check.Rows)
	fmt.Fprintf(&text, "\nTo put it in place, stop whatever runs heapstash on %s, and then:\n", r.Path)
	place := r.Path
	if info, err := os.Lstat(place); err == nil && info.Mode()&os.ModeSymlink != 0 {
		place = r.File
	}
	for _, beside := range []string{"", "-wal"} {
		if _, err := os.Stat(place + beside); err == nil {
			fmt.Fprintf(&text, "  mv %s %s\n", show.ShellQuote(place+beside), show.ShellQuote(place+".damaged"+beside))
		}
	}
	if _, err := os.Stat(place + "-shm"); err == nil {
		fmt.Fprintf(&text, "  rm %s\n", show.ShellQuote(place+"-shm"))
	}
	fmt.Fprintf(&text, "  mv %s %s\n", show.ShellQuote(r.To), show.ShellQuote(place))
	_, err := io.WriteString(w, text.String())
	return err
}
