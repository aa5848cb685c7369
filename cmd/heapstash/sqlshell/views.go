package sqlshell

import (
	"context"
	"fmt"
	"io"
	"strings"

	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/guess"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// Listing lists views with their columns, or tables.
type Listing struct {
	Format string
	Tables bool
	Globs  []string // of names; none for all
}

// Run prints the list.
func (d Listing) Run(ctx context.Context, w io.Writer, file string) error {
	reader, err := engine.ReadFile(ctx, file)
	if err != nil {
		return err
	}
	defer reader.Close() // read only
	out, err := show.NewRowWriter(d.Format, w)
	if err != nil {
		return err
	}
	all, err := reader.Views(ctx, d.Tables)
	if err != nil {
		return err
	}
	var views []engine.View
	for _, v := range all {
		if d.wants(v.Name) {
			views = append(views, v)
		}
	}
	if len(views) == 0 && len(d.Globs) > 0 {
		return schema.WithHint(fmt.Errorf("no view matches %s", strings.Join(d.Globs, ", ")),
			guess.DidYouMean(d.Globs[0], engine.ViewNames(all), "there are "+strings.Join(engine.ViewNames(all), ", ")))
	}
	if d.Format == "table" {
		printViews(w, views)
		return nil
	}
	if err := out.Begin([]string{"view", "row", "column", "unit", "meaning"}); err != nil {
		return err
	}
	for _, v := range views {
		for _, c := range v.Columns {
			if err := out.Row([]any{v.Name, show.OrNull(v.Meaning), c.Name, show.OrNull(string(c.Unit)), show.OrNull(meaning(c))}); err != nil {
				return err
			}
		}
	}
	return out.End()
}

func (d Listing) wants(view string) bool {
	return len(d.Globs) == 0 || schema.MatchesAny(d.Globs, view)
}

func meaning(c engine.ViewColumn) string {
	if c.What == "" {
		return c.Meaning
	}
	return engine.RolledMeaning(c.What) + ": " + c.Meaning
}

// printViews prints the views for people. The statistics of a metric in a rollup are one
// line: cpu_usage_rate_{min,avg,max}.
func printViews(w io.Writer, views []engine.View) {
	for i, v := range views {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprint(w, show.Visible(v.Name))
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
			t.Row(show.Visible(name), string(c.Unit), c.Meaning)
			rest = rest[n:]
		}
		t.Render()
	}
}
