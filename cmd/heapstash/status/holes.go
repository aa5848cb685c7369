package status

import (
	"fmt"
	"io"

	"heapstash/archive"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// PrintGaps prints what is missing. For a hole without a time, from is the begin of its
// pass.
func PrintGaps(w io.Writer, gaps []archive.Gap, since schema.Instant) {
	if len(gaps) == 0 {
		if since == 0 {
			fmt.Fprintln(w, "Nothing is missing.")
		} else {
			fmt.Fprintf(w, "Nothing is missing since %v.\n", since)
		}
		return
	}
	t := show.NewTable(w, "from", "to", "seconds", "cluster", "scope", "cause", "detail")
	for _, g := range gaps {
		from, to, seconds := g.From.String(), g.To.String(), any(g.Seconds)
		if g.Seconds == 0 {
			from, to, seconds = g.Started.String(), "", ""
		}
		scope := g.Scope
		if g.Metric != "" {
			scope += " " + string(g.Metric)
		}
		t.Row(from, to, seconds, g.Cluster, scope, g.Cause, g.Detail)
	}
	t.Render()
}
