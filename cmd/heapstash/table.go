package main

import (
	"io"

	"github.com/jedib0t/go-pretty/v6/table"

	"heapstash/cmd/heapstash/show"
)

// newTable returns a table in heapstash's own form, however wide it is.
func newTable(w io.Writer) table.Writer { return show.NewGrid(w) }
