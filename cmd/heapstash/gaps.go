package main

import (
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"heapstash/archive"
	"heapstash/schema"
)

// sinceFlag is a moment: written as such, or as how long ago it was.
type sinceFlag struct {
	at  schema.Instant
	now func() time.Time
}

func (f *sinceFlag) Type() string { return "time" }

func (f *sinceFlag) String() string {
	if f.at == 0 {
		return ""
	}
	return f.at.String()
}

func (f *sinceFlag) Set(text string) error {
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 {
		f.at = schema.InstantOf(f.now().Add(-ago))
		return nil
	}
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil {
			f.at = schema.InstantOf(at)
			return nil
		}
	}
	return fmt.Errorf("write how long ago, as in 36h, or a time, as in 2017-09-27 or 2017-09-27T07:00:00Z")
}

// printGaps tells people what is missing. Where no time is known to be lost,
// from is when the pass met the hole.
func printGaps(w io.Writer, gaps []archive.Gap, since schema.Instant) {
	if len(gaps) == 0 {
		if since == 0 {
			fmt.Fprintln(w, "Nothing is missing.")
		} else {
			fmt.Fprintf(w, "Nothing is missing since %v.\n", since)
		}
		return
	}
	t := newTable(w)
	t.AppendHeader(table.Row{"from", "to", "seconds", "cluster", "scope", "cause", "detail"})
	for _, g := range gaps {
		from, to, seconds := g.From.String(), g.To.String(), any(g.Seconds)
		if g.Seconds == 0 {
			from, to, seconds = g.Started.String(), "", ""
		}
		scope := g.Scope
		if g.Metric != "" {
			scope += " " + string(g.Metric)
		}
		t.AppendRow(table.Row{from, to, seconds, g.Cluster, scope, g.Cause, g.Detail})
	}
	t.Render()
}
