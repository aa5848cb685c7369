package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// describing is what the flags of `sql --schema` say.
type describing struct {
	format string
	tables bool
	globs  []string // of views' names; none for all
}

// arguments allows one statement, or with --schema any number of names.
func (q *statement) arguments(cmd *cobra.Command, args []string) error {
	if q.schema && q.noHeader {
		return errors.New("--schema and --no-header are given")
	}
	if q.schema && q.file != "" {
		return errors.New("--schema and --file are given")
	}
	if q.schema {
		return nil
	}
	if q.tables {
		return errors.New("--tables goes with --schema")
	}
	return oneStatement(cmd, args)
}

// run prints the views, or the tables, that the archive has.
func (d describing) run(ctx context.Context, w io.Writer, file string) error {
	reader, err := engine.Read(ctx, file)
	if err != nil {
		return err
	}
	defer reader.Close() // read only
	out, err := newRowWriter(d.format, w)
	if err != nil {
		return err
	}
	all, err := reader.Views(ctx, d.tables)
	if err != nil {
		return err
	}
	var views []engine.View
	var names []string
	for _, v := range all {
		names = append(names, v.Name)
		if d.wants(v.Name) {
			views = append(views, v)
		}
	}
	if len(views) == 0 && len(d.globs) > 0 {
		hint := "there are " + strings.Join(names, ", ")
		if near := nearest(d.globs[0], names); near != "" {
			hint = "did you mean " + near + "?"
		}
		return schema.WithHint(fmt.Errorf("no view matches %s", strings.Join(d.globs, ", ")), hint)
	}
	if d.format == "table" {
		printViews(w, views)
		return nil
	}
	if err := out.begin([]string{"view", "row", "column", "unit", "meaning"}); err != nil {
		return err
	}
	for _, v := range views {
		for _, c := range v.Columns {
			if err := out.row([]any{v.Name, orNull(v.Meaning), c.Name, orNull(string(c.Unit)), orNull(meaning(c))}); err != nil {
				return err
			}
		}
	}
	return out.end()
}

func (d describing) wants(view string) bool {
	for _, glob := range d.globs {
		if matched, err := path.Match(glob, view); err == nil && matched {
			return true
		}
	}
	return len(d.globs) == 0
}

func meaning(c engine.ViewColumn) string {
	if c.What == "" {
		return c.Meaning
	}
	return engine.RolledMeaning(c.What) + ": " + c.Meaning
}

// printViews tells people of the views. What a rollup has of a metric is in one
// line: cpu_usage_rate_{min,avg,max}.
func printViews(w io.Writer, views []engine.View) {
	for i, v := range views {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprint(w, visible(v.Name))
		if v.Meaning != "" {
			fmt.Fprintf(w, ": one row is %s", v.Meaning)
		}
		fmt.Fprintln(w)
		t := show.NewTable(w, "column", "unit", "meaning")
		for rest := v.Columns; len(rest) > 0; {
			c := rest[0]
			n := 1
			for n < len(rest) && c.Of != "" && rest[n].Of == c.Of {
				n++
			}
			name := c.Name
			if n > 1 {
				whats := make([]string, n)
				for i, folded := range rest[:n] {
					whats[i] = folded.What
				}
				name = c.Of + "_{" + strings.Join(whats, ",") + "}"
			}
			t.Row(visible(name), string(c.Unit), c.Meaning)
			rest = rest[n:]
		}
		t.Render()
	}
}

// completeViews completes the names after --schema.
func (q *statement) completeViews(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	if !q.schema {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeList(func(cmd *cobra.Command, _ string) []string {
		return archiveWords(cmd, func(ctx context.Context, reader *engine.Reader) ([]string, error) {
			views, err := reader.Views(ctx, q.tables)
			var names []string
			for _, v := range views {
				names = append(names, v.Name)
			}
			return names, err
		})
	})(cmd, nil, typed)
}
