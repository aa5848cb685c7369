package main

import (
	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/cmd/heapstash/sqlshell"
)

func newSQLCommand() *cobra.Command {
	var q sqlshell.Statement
	cmd := &cobra.Command{
		Use:   "sql [STATEMENT | - | --schema [VIEW...]]",
		Short: "Ask the archive one question in SQL",
		Long: "sql runs one statement that reads, given as an argument, in a file, or on stdin, and\n" +
			"prints its result. On a terminal and without a statement it is a prompt: a statement ends\n" +
			"with a semicolon, and .help lists what else there is.\n\n" +
			"A table and Markdown are printed at the end; the other formats print rows as they come.\n" +
			"NULL is an empty field in CSV and TSV. Numbers are exact to 64 bits.\n\n" +
			"Beside SQLite's functions there are median(x) and quantile(x, p), by nearest rank.\n\n" +
			"The archive is open for reading only: ATTACH, temporary tables, PRAGMAs that set something\n" +
			"and functions that reach other files are refused. A value may have 32 MB.\n\n" +
			"--schema lists the views with their columns, units and meanings; VIEW is a glob. The tables\n" +
			"behind them, which may change from one version to the next, are listed with --tables.",
		Example: `  heapstash sql` + "\n" +
			`  heapstash sql "SELECT pod, max(memory_working_set) FROM pod GROUP BY pod"` + "\n" +
			`  heapstash sql --format csv --file report.sql` + "\n" +
			`  heapstash sql --schema pod pod_hourly`,
		Args:              q.Arguments,
		ValidArgsFunction: q.CompleteViews,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Load(cmd.Flags())
			if err != nil {
				return err
			}
			if q.Schema {
				return sqlshell.Listing{Format: q.Format, Tables: q.Tables, Globs: args}.Run(cmd.Context(), cmd.OutOrStdout(), cfg.DBFile)
			}
			if in, out, ok := q.Terminal(args, cmd.InOrStdin(), cmd.OutOrStdout()); ok {
				return q.Converse(cmd.Context(), in, out, cfg.DBFile)
			}
			text, err := q.Text(cmd, args)
			if err != nil {
				return err
			}
			return q.Run(cmd.Context(), cmd.OutOrStdout(), cfg.DBFile, text)
		},
	}
	cmd.Flags().StringVarP(&q.File, "file", "f", "", "read the statement from this file")
	cmd.Flags().StringVar(&q.Format, "format", "table", show.FormatUsage)
	cmd.Flags().BoolVar(&q.NoHeader, "no-header", false, "with --format csv or tsv: only the values")
	cmd.Flags().BoolVar(&q.Schema, "schema", false, "list the views with their columns and units, instead of a statement's rows")
	cmd.Flags().BoolVar(&q.Tables, "tables", false, "with --schema: the tables instead of the views")
	cmd.Flags().DurationVar(&q.Timeout, "timeout", engine.UsualTimeout, "give up after this long; 0 for never")
	cmd.Flags().IntVar(&q.MaxRows, "max-rows", -1, "fail after so many rows; 0 for any number (default 100000 for a table, 10000000 otherwise)")
	return cmd
}
