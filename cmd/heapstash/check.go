package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

func newCheckCommand() *cobra.Command {
	var asJSON bool
	var repairTo string
	var opts engine.CheckOptions
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say whether the archive is whole, and make a whole one of one that is not",
		Long: "check looks at every page of the archive's file, at its schema, and at what is true of every\n" +
			"archive that is whole, as FORMAT.md (\"What check holds\") lists it. It only reads, and passes\n" +
			"may go on meanwhile: it sees one state of the archive, and until it ends the -wal file does\n" +
			"not shrink. A finding is a fault or a note; a note needs nothing to be done. It takes constant\n" +
			"memory, and about half a minute a gigabyte (300,000 rows a second).\n\n" +
			"With --repair FILE, it reads what can be read of the archive, page by page, mends what the\n" +
			"check would find, and writes it to a new archive. What it had to drop or change, it says. The\n" +
			"old archive stays as it is, and is locked meanwhile. The new one is checked before it\n" +
			"appears. That takes some minutes a gigabyte, and as much space as the old one.\n" +
			"\nExit codes: 0 no fault, or repaired; 1 a fault, or it could not look; 10 no archive there;\n" +
			"11 another writer has it (with --repair).",
		Example: "  heapstash check --db-file /var/lib/heapstash/prod.db\n" +
			"  heapstash check --quick --json\n" +
			"  heapstash check --db-file prod.db --repair repaired.db",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(cmd.Flags())
			if err != nil {
				return err
			}
			opts.Progress = show.Steps(cmd.ErrOrStderr())
			if cmd.Flags().Changed("repair") {
				return repair(cmd, cfg, repairTo, opts, asJSON)
			}
			reader, err := engine.Read(cmd.Context(), cfg.DBFile)
			if err != nil {
				return err
			}
			defer reader.Close() // read only
			report, err := reader.Check(cmd.Context(), opts)
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(report)
			} else {
				err = printCheck(cmd.OutOrStdout(), report)
			}
			if err != nil {
				return err
			}
			if n := report.Faults(); n > 0 {
				return schema.WithHint(fmt.Errorf("the archive has faults of %d kinds", n), repairHint)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&opts.Quick, "quick", false, "do not compare indexes with their tables")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().StringVar(&repairTo, "repair", "", "write what can be read to this new archive, mended")
	return cmd
}

const repairHint = "`heapstash check --repair NEW` copies what can be read to another file, and mends it there;\nkeep the old one, and its -wal file"

// printCheck tells people what was found.
func printCheck(w io.Writer, r engine.CheckReport) error {
	var errs []error
	line := func(format string, args ...any) {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		errs = append(errs, err)
	}
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
	return errors.Join(errs...)
}
