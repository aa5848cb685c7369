package lake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"heapstash/schema"
)

// part is a file of a partition.
type part struct {
	partition
	file        string
	first, last schema.Entity // in the order of rows
	rows        int64
	samples     int64
	bytes       int64
}

// partError is the error for a file of a partition that is damaged, or foreign.
type partError struct {
	path string
	error
}

func (e partError) Error() string { return e.path + ": " + e.error.Error() }

func (e partError) Unwrap() error { return e.error }

// openPart opens a part and reads its footer.
func openPart(path string, of partition) (part, *os.File, *parquet.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return part{}, nil, nil, err
	}
	p, parsed, err := readFooter(file, of)
	if err != nil {
		return part{}, nil, nil, errors.Join(partError{path, err}, file.Close())
	}
	return p, file, parsed, nil
}

// readFooter reads a part's footer.
func readFooter(file *os.File, of partition) (p part, parsed *parquet.File, err error) {
	info, err := file.Stat()
	if err != nil {
		return p, nil, err
	}
	if parsed, err = parquet.OpenFile(file, info.Size(), parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true), parquet.FileReadMode(parquet.ReadModeSync)); err != nil {
		return p, nil, err
	}
	p = part{partition: of, file: file.Name(), rows: parsed.NumRows(), bytes: info.Size()}
	first, _ := parsed.Lookup(firstKey)
	last, _ := parsed.Lookup(lastKey)
	samples, _ := parsed.Lookup(samplesKey)
	var isFirst, isLast bool
	p.first, isFirst = parseEntity(first)
	p.last, isLast = parseEntity(last)
	if p.samples, err = strconv.ParseInt(samples, 10, 64); err != nil || !isFirst || !isLast {
		return p, nil, errForeign
	}
	return p, parsed, nil
}

// measurePart returns what a part's footer says.
func measurePart(path string, of partition) (part, error) {
	p, file, _, err := openPart(path, of)
	if err != nil {
		return p, err
	}
	return p, file.Close()
}

// read yields the part's rows in order, and at most one error, as the last item. A row is
// valid until the next one. Only cells in wanted are read; nil means all.
func (p part) read(ctx context.Context, wanted []bool) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		_, file, parsed, err := openPart(p.file, p.partition)
		if err != nil {
			yield(Row{}, err)
			return
		}
		defer file.Close() // read only
		for _, group := range parsed.RowGroups() {
			g, err := p.openGroup(parsed.Schema(), group, wanted)
			if err == nil {
				var stopped bool
				stopped, err = g.rows(ctx, yield)
				if stopped {
					g.close()
					return
				}
			}
			if err = errors.Join(err, g.close()); err != nil {
				yield(Row{}, partError{p.file, err})
				return
			}
		}
	}
}

// rowGroup reads the rows of a row group.
type rowGroup struct {
	partition
	count   int64
	columns []*column // by the table's columns; nil if not wanted or not in the file

	entity *schema.Entity
	names  []string // of entity
	metric schema.MetricName
	cells  []Cell
}

func (p part) openGroup(in *parquet.Schema, group parquet.RowGroup, wanted []bool) (*rowGroup, error) {
	g := &rowGroup{partition: p.partition, count: group.NumRows(), cells: make([]Cell, len(p.table.metrics)), names: make([]string, len(p.table.names))}
	chunks := group.ColumnChunks()
	for i, path := range p.table.schema.Columns() {
		cell := (i - p.table.cellColumn(0)) / 2
		named := i < len(p.table.names) || p.table.narrow && path[0] == "metric"
		if !named && i != p.table.tsColumn() && (i < p.table.cellColumn(0) || wanted != nil && !wanted[cell]) {
			g.columns = append(g.columns, nil)
			continue
		}
		leaf, found := in.Lookup(path[0])
		if !found { // a column of a later heapstash
			if i < p.table.cellColumn(0) {
				return g, fmt.Errorf("no column %s", path[0])
			}
			g.columns = append(g.columns, nil)
			continue
		}
		if got, want := leaf.Node.Type().Kind(), p.table.kindOf(i); got != want {
			return g, fmt.Errorf("column %s is %v, not %v", path[0], got, want)
		}
		g.columns = append(g.columns, &column{pages: chunks[leaf.ColumnIndex].Pages()})
	}
	return g, nil
}

// kindOf returns the physical type of a column.
func (t *table) kindOf(i int) parquet.Kind {
	leaf, _ := t.schema.Lookup(t.schema.Columns()[i]...)
	return leaf.Node.Type().Kind()
}

// rows yields the rows. It reports whether the caller stopped.
func (g *rowGroup) rows(ctx context.Context, yield func(Row, error) bool) (stopped bool, err error) {
	ts := g.columns[g.table.tsColumn()]
	for n := range g.count {
		if n%1024 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		if err := g.readNames(); err != nil {
			return false, err
		}
		at, err := ts.next()
		if err != nil {
			return false, err
		}
		for i := range g.cells {
			if g.cells[i], err = g.cell(g.table.cellColumn(i)); err != nil {
				return false, err
			}
		}
		if !yield(Row{g.entity, g.cluster, g.metric, schema.Instant(at.Int64()), g.cells}, nil) {
			return true, nil
		}
	}
	return false, nil
}

// readNames reads the entity and the metric of the next row.
func (g *rowGroup) readNames() error {
	changed := g.entity == nil
	for i := range g.table.names {
		v, err := g.columns[i].next()
		if err != nil {
			return err
		}
		if text := v.ByteArray(); string(text) != g.names[i] { // NULL has no bytes
			g.names[i], changed = string(text), true
		}
	}
	if g.table.narrow {
		v, err := g.columns[g.table.tsColumn()-1].next()
		if err != nil {
			return err
		}
		if text := v.ByteArray(); string(text) != string(g.metric) {
			g.metric = schema.MetricName(text)
		}
	}
	if !changed {
		return nil
	}
	kind := g.table.name
	if g.table.mixed() {
		kind = g.names[0]
	}
	e := new(schema.Entity)
	var err error
	if e.Kind, err = schema.ParseKind(kind); err != nil {
		return err
	}
	for i, column := range g.table.names {
		*nameField(e, column) = g.names[i]
	}
	g.entity = e
	return nil
}

// cell reads a metric's two columns.
func (g *rowGroup) cell(i int) (c Cell, err error) {
	if column := g.columns[i]; column != nil {
		v, err := column.next()
		if err != nil {
			return c, err
		}
		if !v.IsNull() {
			c = Cell{schema.Int(v.Int64()), true}
		}
	}
	if column := g.columns[i+1]; column != nil {
		v, err := column.next()
		if err != nil {
			return c, err
		}
		if !v.IsNull() && !c.Set { // else it is the exact ratio
			c = Cell{schema.Real(v.Double()), true}
		}
	}
	return c, nil
}

func (g *rowGroup) close() (err error) {
	for _, c := range g.columns {
		if c != nil {
			err = errors.Join(err, c.close())
		}
	}
	return err
}

// column reads the values of a column of a row group.
type column struct {
	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader
	buffer [256]parquet.Value
	unread []parquet.Value
}

// next returns the value of the next row, valid until the next call.
func (c *column) next() (parquet.Value, error) {
	for len(c.unread) == 0 {
		if c.values == nil {
			page, err := c.pages.ReadPage()
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				return parquet.Value{}, err
			}
			c.page, c.values = page, page.Values()
		}
		n, err := c.values.ReadValues(c.buffer[:])
		c.unread = c.buffer[:n]
		if errors.Is(err, io.EOF) {
			c.values, err = nil, nil
			if n == 0 {
				parquet.Release(c.page)
			}
		}
		if err != nil {
			return parquet.Value{}, err
		}
	}
	v := c.unread[0]
	c.unread = c.unread[1:]
	return v, nil
}

func (c *column) close() error { return c.pages.Close() }
