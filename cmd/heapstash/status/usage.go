package status

import (
	"cmp"
	"fmt"
	"io"

	"heapstash/archive"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// PrintUsage prints what takes the space of the archive.
func PrintUsage(w io.Writer, u archive.Usage) {
	t := show.NewTable(w, "part", "takes")
	const small = 16 << 10 // empty tables have a page, too
	var rest int64
	for _, p := range u.Parts {
		if p.Bytes < small {
			rest += p.Bytes
			continue
		}
		t.Row(cmp.Or(p.Name, "names, ledger, schema"), schema.Size(p.Bytes))
	}
	if rest > 0 {
		t.Row("parts below 16 KiB", schema.Size(rest))
	}
	t.Row("free, for the next hours", schema.Size(u.Free))
	t.Render()
	if len(u.Namespaces) == 0 {
		return
	}
	fmt.Fprintln(w)
	t = show.NewTable(w, "cluster", "namespace", "takes about", "raw", "hourly", "daily")
	for _, n := range u.Namespaces {
		t.Row(show.Visible(n.Cluster), show.Visible(cmp.Or(n.Namespace, "(none)")), schema.Size(n.Total),
			schema.Size(n.Bytes[archive.Raw]), schema.Size(n.Bytes[archive.Hourly]), schema.Size(n.Bytes[archive.Daily]))
	}
	t.Render()
}
