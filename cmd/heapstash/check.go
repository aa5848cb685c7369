package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/cmd/heapstash/usage"
	"heapstash/schema"
)

const checkLong = `check reads every page of the archive's file and its schema, and checks the rules that
every whole archive follows; FORMAT.md lists them ("What check holds"). It writes nothing,
and passes may go on meanwhile: it sees the archive as it is at one moment, and until it
ends the -wal file does not shrink. A finding is a fault or a note; a note needs no action.
check takes constant memory, and about half a minute per gigabyte (300,000 rows a second).

With --repair FILE, it reads all readable pages of the archive, corrects what the check
would find, and writes the rows to a new archive. It says which rows it dropped or changed.
The old archive stays as it is, and is locked meanwhile. The new archive is checked before
it appears. That takes some minutes per gigabyte, and as much space as the old archive.

Exit codes: 0 no fault, or repaired; 1 a fault, or the check failed; 10 no archive; 11
another writer holds it (with --repair).`

const checkExample = `  heapstash check --db-file /var/lib/heapstash/prod.db
  heapstash check --quick --json
  heapstash check --db-file prod.db --repair repaired.db`

// checkFlags are the flags of check.
type checkFlags struct {
	engine.CheckOptions
	json   bool
	repair string
}

func newCheckCommand() *cobra.Command {
	var c checkFlags
	cmd := &cobra.Command{
		Use:     "check",
		Short:   "Check the archive for damage, and copy a damaged one to a new, whole one",
		Long:    checkLong,
		Example: checkExample,
		RunE: withFile(func(cmd *cobra.Command, cfg config.Config, _ []string) error {
			c.Progress = show.Steps(cmd.ErrOrStderr())
			if cmd.Flags().Changed("repair") {
				return c.makeRepaired(cmd, cfg)
			}
			reader, err := engine.ReadFile(cmd.Context(), cfg.DBFile)
			if err != nil {
				return err
			}
			defer reader.Close() // read only
			report, err := reader.Check(cmd.Context(), c.CheckOptions)
			if err != nil {
				return err
			}
			if err := printResult(cmd, c.json, report, func(w io.Writer) error { return printCheck(w, report) }); err != nil {
				return err
			}
			if n := report.Faults(); n > 0 {
				return schema.WithHint(fmt.Errorf("the archive has faults of %d kinds", n),
					"`heapstash check --repair NEW` copies what can be read to another file, and corrects it there;\nkeep the old one, and its -wal file")
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&c.Quick, "quick", false, "do not compare indexes with their tables")
	cmd.Flags().BoolVar(&c.json, "json", false, "print one JSON object")
	cmd.Flags().StringVar(&c.repair, "repair", "", "write what can be read to this new archive, corrected")
	return cmd
}

// makeRepaired copies a damaged archive to a new, whole one.
func (c *checkFlags) makeRepaired(cmd *cobra.Command, cfg config.Config) error {
	if c.repair == "" {
		return usage.Error(cmd, errors.New("--repair needs the name of a new file"))
	}
	done, err := engine.Repair(cmd.Context(), cfg.DBFile, c.repair, engine.RepairOptions{
		Options: engine.FileOptions{LockWait: cfg.RetryLock}, Progress: c.Progress,
	})
	if err != nil {
		return err
	}
	return printResult(cmd, c.json, done, func(w io.Writer) error { return printRepair(w, done) })
}

// printCheck prints the findings for people.
func printCheck(w io.Writer, r engine.CheckReport) error {
	var text strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	for _, f := range r.Findings {
		level := "fault"
		if f.Note {
			level = "note"
		}
		name := f.Name
		if f.Table != "" {
			name += " in " + f.Table
		}
		line("%-6s %s (%d): %s", level, name, f.Count, f.Meaning)
		for _, example := range f.Examples {
			line("       %s", example)
		}
		if n := f.Count - int64(len(f.Examples)); n > 0 && len(f.Examples) > 0 {
			line("       ... and %d more", n)
		}
	}
	took := time.Duration(r.Seconds * float64(time.Second)).Round(time.Millisecond)
	verdict := "it is whole"
	if n := r.Faults(); n > 0 {
		verdict = fmt.Sprintf("it has faults of %d kinds", n)
	}
	line("%s: format %d, %d rows of samples, checked in %v: %s", r.Path, r.Version, r.Rows, took, verdict)
	_, err := io.WriteString(w, text.String())
	return err
}

// printRepair prints which rows were lost or changed, and what to do next.
func printRepair(w io.Writer, r engine.Repaired) error {
	var text strings.Builder
	var rows int64
	for _, t := range r.Tables {
		rows += t.Rows
		if t.Pages+t.Damaged > 0 {
			fmt.Fprintf(&text, "lost   %s: %d pages and %d single rows cannot be read; %d rows were\n", t.Table, t.Pages, t.Damaged, t.Rows)
		}
	}
	for _, m := range r.Corrected {
		fmt.Fprintf(&text, "corrected %s (%d): %s\n", m.Table, m.Count, m.What)
	}
	fmt.Fprintf(&text, "%s: %d rows were read of %s; it has %d rows of samples, and a check finds it whole\n", r.To, rows, r.Path, r.Check.Rows)
	fmt.Fprintf(&text, "\nTo put it in place, stop whatever runs heapstash on %s, and then:\n", r.Path)
	path := r.Path
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink != 0 {
		path = r.File
	}
	for _, beside := range []string{"", "-wal"} {
		if _, err := os.Stat(path + beside); err == nil {
			fmt.Fprintf(&text, "  mv %s %s\n", show.ShellQuote(path+beside), show.ShellQuote(path+".damaged"+beside))
		}
	}
	if _, err := os.Stat(path + "-shm"); err == nil {
		fmt.Fprintf(&text, "  rm %s\n", show.ShellQuote(path+"-shm"))
	}
	fmt.Fprintf(&text, "  mv %s %s\n", show.ShellQuote(r.To), show.ShellQuote(path))
	_, err := io.WriteString(w, text.String())
	return err
}
