// Package status prints what an archive holds, what is missing in it, how it grows,
// and what takes its space.
package status

import (
	"fmt"
	"io"
	"time"

	"heapstash/archive"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// Print prints what the archive holds.
func Print(w io.Writer, s archive.Status, cfg config.Config) {
	paint := show.NewPainter(w)
	io.WriteString(w, show.Wrap(show.Width(w), "", fmt.Sprintf("%s: %s, format %d", s.Path, schema.Size(s.Bytes), s.Version)))
	for _, line := range outlook(s, cfg) {
		io.WriteString(w, show.WrapHanging(show.Width(w), "", 2, line))
	}

	if len(s.Kinds) > 0 {
		fmt.Fprintln(w)
		t := show.NewTable(w, "cluster", "kind", "entities", "listed", "newest sample")
		for _, k := range s.Kinds {
			t.Row(k.Cluster, k.Kind.String(), k.Entities, k.Listed, k.Newest)
		}
		t.Render()
	}
	if spans := spansOf(s.Kinds); len(spans) > 0 {
		fmt.Fprintln(w)
		t := show.NewTable(w, "cluster", "level", "oldest", "newest", "kinds")
		for _, span := range spans {
			t.Row(span.cluster, string(span.level), span.oldest, span.newest, span.spellKinds())
		}
		t.Render()
	}
	printLake(w, s)
	if len(s.Passes) > 0 {
		fmt.Fprintln(w)
		t := show.NewTable(w, "pass", "cluster", "started", "took", "outcome", "new", "conflicts", "lost")
		for _, p := range s.Passes {
			took := time.Duration(p.DurationMS) * time.Millisecond
			lost := any(time.Duration(p.GapSeconds) * time.Second)
			if p.GapSeconds > 0 {
				lost = paint.Paint(show.Yellow, fmt.Sprint(lost))
			}
			t.Row(p.ID, p.Cluster, p.Started, took, paint.Paint(show.OutcomeColours[p.Outcome], string(p.Outcome)), p.New, p.Conflicts, lost)
		}
		t.Render()
	}
	if len(s.Causes) > 0 {
		fmt.Fprintln(w)
		t := show.NewTable(w, "holes", "cause", "lost", "lasting", "last pass with one")
		for _, c := range s.Causes {
			cause := string(c.Cause)
			if !c.Lasting {
				cause = paint.Paint(show.Yellow, cause)
			}
			t.Row(c.Holes, cause, time.Duration(c.Seconds)*time.Second, c.Lasting, c.Last)
		}
		t.Render()
	}
	for _, p := range s.Passes {
		if p.Error != "" {
			fmt.Fprintln(w)
			first := fmt.Sprintf("The last pass that failed, %d: ", p.ID)
			io.WriteString(w, show.WrapHanging(show.Width(w), paint.Paint(show.Red, first), 2, p.Error))
			break
		}
	}
}

// printLake prints which raw samples are in the lake, and what the lake has.
func printLake(w io.Writer, s archive.Status) {
	if len(s.InLake) > 0 {
		fmt.Fprintln(w)
		t := show.NewTable(w, "cluster", "in the lake", "kind of entity", "from", "until")
		for _, span := range s.InLake {
			t.Row(span.Cluster, span.Table, span.Kind.String(), span.From, span.Until)
		}
		t.Render()
	}
	if len(s.Lake) > 0 {
		fmt.Fprintln(w)
		t := show.NewTable(w, "cluster", "lake", "days", "first day", "last day", "files", "takes")
		for _, u := range s.Lake {
			t.Row(u.Cluster, u.Table, u.Days, u.Oldest.Time().Format(time.DateOnly), u.Newest.Time().Format(time.DateOnly), u.Files, schema.Size(u.Bytes))
		}
		t.Render()
	}
}
