package status

import (
	"fmt"
	"io"

	"heapstash/archive"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// PrintHoles prints what is missing. For a hole without a time, from is the begin of its
// pass.
func PrintHoles(w io.Writer, holes []archive.RecordedHole, since schema.Instant) {
	if len(holes) == 0 {
		if since == 0 {
			fmt.Fprintln(w, "Nothing is missing.")
		} else {
			fmt.Fprintf(w, "Nothing is missing since %v.\n", since)
		}
		return
	}
	t := show.NewTable(w, "from", "to", "seconds", "cluster", "scope", "cause", "detail")
	for _, h := range holes {
		from, to, seconds := h.From.String(), h.To.String(), any(h.Seconds)
		if h.Seconds == 0 {
			from, to, seconds = h.Started.String(), "", ""
		}
		scope := h.Scope
		if h.Metric != "" {
			scope += " " + string(h.Metric)
		}
		t.Row(from, to, seconds, h.Cluster, scope, h.Cause, h.Detail)
	}
	t.Render()
}
