package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"

	"heapstash/archive"
	"heapstash/schema"
)

// printUsage tells people what takes the space of the archive.
func printUsage(w io.Writer, u archive.Usage) {
	t := newTable(w)
	t.AppendHeader(table.Row{"part", "takes"})
	const small = 16 << 10 // empty tables have a page, too
	var rest int64
	for _, p := range u.Parts {
		if p.Bytes < small {
			rest += p.Bytes
			continue
		}
		t.AppendRow(table.Row{cmp.Or(p.Name, "names, ledger, schema"), schema.Size(p.Bytes)})
	}
	if rest > 0 {
		t.AppendRow(table.Row{"parts below 16 KiB", schema.Size(rest)})
	}
	t.AppendRow(table.Row{"free, for the next hours", schema.Size(u.Free)})
	t.Render()
	if len(u.Namespaces) == 0 {
		return
	}
	fmt.Fprintln(w)
	t = newTable(w)
	t.AppendHeader(table.Row{"cluster", "namespace", "takes about", "raw", "hourly", "daily"})
	for _, n := range u.Namespaces {
		t.AppendRow(table.Row{visible(n.Cluster), visible(cmp.Or(n.Namespace, "(none)")), schema.Size(n.Total),
			schema.Size(n.Bytes[schema.Raw]), schema.Size(n.Bytes[schema.Hourly]), schema.Size(n.Bytes[schema.Daily])})
	}
	t.Render()
}
