package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/complete"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/flags"
	"heapstash/cmd/heapstash/show"
	"heapstash/cmd/heapstash/sqlshell"
	"heapstash/cmd/heapstash/usage"
	"heapstash/schema"
)

const sqlLong = `sql runs one statement that reads. The statement is an argument, a file, or stdin. On a
terminal and without a statement, sql is a prompt: a statement ends with a semicolon, and
.help lists the other commands.

A table and Markdown are printed at the end; the other formats print rows as they come.
NULL is an empty field in CSV and TSV. Numbers are exact to 64 bits.

In addition to SQLite's functions there are median(x) and quantile(x, p), by nearest rank.

The archive is open for reading only: ATTACH, temporary tables, PRAGMAs that set something
and functions that reach other files are refused. A value may have 32 MB.

--schema lists the views with their columns, units and meanings; VIEW is a glob. --tables
lists the tables behind the views, which may change from one version to the next.`

const sqlExample = `  heapstash sql
  heapstash sql "SELECT pod, max(memory_working_set) FROM pod GROUP BY pod"
  heapstash sql --format csv --file report.sql
  heapstash sql --schema pod pod_hourly`

// sqlFlags are the flags of sql.
type sqlFlags struct {
	sqlshell.Statement
	file           string
	schema, tables bool
}

func newSQLCommand() *cobra.Command {
	var q sqlFlags
	cmd := &cobra.Command{
		Use:               "sql [STATEMENT | - | --schema [VIEW...]]",
		Short:             "Ask the archive one question in SQL",
		Long:              sqlLong,
		Example:           sqlExample,
		Args:              q.arguments,
		ValidArgsFunction: q.completeViews,
		RunE: withFile(func(cmd *cobra.Command, cfg config.Config, args []string) error {
			if q.schema {
				return sqlshell.Listing{Format: q.Format, Tables: q.tables, Globs: args}.Run(cmd.Context(), cmd.OutOrStdout(), cfg.DBFile)
			}
			if len(args) == 0 && q.file == "" {
				if in, out, ok := sqlshell.Terminal(cmd.InOrStdin(), cmd.OutOrStdout()); ok {
					return q.Converse(cmd.Context(), in, out, cfg.DBFile)
				}
			}
			text, err := q.text(cmd, args)
			if err != nil {
				return err
			}
			return q.Run(cmd.Context(), cmd.OutOrStdout(), cfg.DBFile, text)
		}),
	}
	cmd.Flags().StringVarP(&q.file, "file", "f", "", "read the statement from this file")
	cmd.Flags().StringVar(&q.Format, "format", "table", show.FormatUsage)
	cmd.Flags().BoolVar(&q.NoHeader, "no-header", false, "with --format csv or tsv: only the values")
	cmd.Flags().BoolVar(&q.schema, "schema", false, "list the views with their columns and units, instead of a statement's rows")
	cmd.Flags().BoolVar(&q.tables, "tables", false, "with --schema: the tables instead of the views")
	flags.AddTimeout(cmd.Flags(), &q.Timeout)
	cmd.Flags().IntVar(&q.MaxRows, "max-rows", -1, "fail after so many rows; 0 for any number (default 100000 for a table, 10000000 otherwise)")
	return cmd
}

// arguments allows one statement, or with --schema any number of names.
func (q *sqlFlags) arguments(_ *cobra.Command, args []string) error {
	switch {
	case q.schema && q.NoHeader:
		return errors.New("--schema and --no-header are given")
	case q.schema && q.file != "":
		return errors.New("--schema and --file are given")
	case q.tables && !q.schema:
		return errors.New("--tables goes with --schema")
	case len(args) > 1 && !q.schema:
		return errors.New("more than one argument: put the statement in quotes")
	}
	return nil
}

// completeViews completes the names after --schema.
func (q *sqlFlags) completeViews(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	if !q.schema {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return complete.Views(q.tables)(cmd, nil, typed)
}

// text returns the statement: the argument, or the content of a file or of stdin.
func (q *sqlFlags) text(cmd *cobra.Command, args []string) (string, error) {
	in := cmd.InOrStdin()
	switch given := len(args) == 1; {
	case given && q.file != "":
		return "", usage.Error(cmd, errors.New("the statement is given twice, as an argument and as --file"))
	case q.file != "":
		text, err := os.ReadFile(q.file)
		if err != nil {
			return "", schema.WithHint(fmt.Errorf("--file: %w", err), "it must be a file with one statement that this user can read")
		}
		return string(text), nil
	case given && args[0] != "-":
		return args[0], nil
	case !given && show.IsTerminal(in):
		return "", usage.Error(cmd, errors.New("no statement is given"))
	}
	text, err := io.ReadAll(in)
	return string(text), err
}
