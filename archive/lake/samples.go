package lake

import (
	"context"
	"iter"
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// Archive is an archive whose raw rows are read a table at a time. Its tables have the
// names of the lake's.
type Archive interface {
	archive.Samples
	// Table yields the selected raw series of one table, in the order of [Row.Compare]
	// without the metric, and at most one error, as the last item. If after is not nil, it
	// begins with the series behind that one.
	Table(ctx context.Context, table string, after *archive.Series, s archive.Selection) iter.Seq2[*archive.Series, error]
	// Incarnations returns the incarnations of an entity's pod in time order.
	Incarnations(ctx context.Context, cluster string, e schema.Entity) ([]archive.Incarnation, error)
}

// Samples has the raw samples of a lake and of an archive together, each once, and the
// archive's hours and days. It implements [archive.Samples]. It needs about a megabyte
// for each day and cluster of the selection in the lake.
type Samples struct {
	Archive
	// Noted are the spans that the lake must have. A selection of a day without files in
	// the lake is an error.
	Noted []archive.LakeSpan
	lake  *Lake
}

// With returns the samples of the lake and of the archive. Close closes the archive's.
func (l *Lake) With(a Archive) *Samples { return &Samples{Archive: a, lake: l} }

// Series implements [archive.Samples].
func (s *Samples) Series(ctx context.Context, selection archive.Selection) iter.Seq2[*archive.Series, error] {
	if selection.Level != "" && selection.Level != archive.Raw {
		return s.Archive.Series(ctx, selection)
	}
	return func(yield func(*archive.Series, error) bool) {
		tables := layoutOf().tables
		for i, t := range tables {
			u := union{ctx: ctx, Samples: s, table: t, selection: selection, done: i + 1, of: len(tables)}
			if more, err := u.series(func(s *archive.Series) bool { return yield(s, nil) }); err != nil {
				yield(nil, err)
				return
			} else if !more {
				return
			}
		}
	}
}

// union reads a table's series.
type union struct {
	*Samples
	ctx       context.Context
	table     *table
	selection archive.Selection
	stored    archive.Selection // of the archive, with the parts of ratios
	done, of  int

	columns []archive.Column
	indexes []int // the cell's column, -1 if it is not selected
}

// series yields the table's series. It reports whether the caller wants more.
func (u *union) series(yield func(*archive.Series) bool) (more bool, err error) {
	if !u.table.mixed() && len(u.selection.Kinds) > 0 && !slices.ContainsFunc(u.selection.Kinds, func(k schema.Kind) bool { return k.String() == u.table.name }) {
		return true, nil
	}
	wanted := make([]bool, len(u.table.metrics))
	for i, m := range u.table.metrics {
		u.indexes = append(u.indexes, -1)
		if u.table.narrow || u.selection.MatchesMetric(m.Name) {
			wanted[i] = true
			u.indexes[i] = len(u.columns)
			u.columns = append(u.columns, archive.Column{Metric: m.Name})
		}
	}
	u.stored = u.selection
	u.stored.Shown = true
	for i, of := range u.table.ratios {
		if u.indexes[i] < 0 || !of.is || u.selection.Shown {
			continue
		}
		for _, cell := range []int{of.part, of.whole} {
			if wanted[cell] = true; len(u.stored.Metrics) > 0 {
				u.stored.Metrics = append(slices.Clone(u.stored.Metrics), schema.Verbatim(string(u.table.metrics[cell].Name)))
			}
		}
	}
	if len(u.columns) == 0 {
		return true, nil
	}
	sources, err := u.sources(wanted)
	if err != nil {
		return false, err
	}
	pull, stop := iter.Pull2(merge(sources))
	defer stop()
	next := func() (Row, error, bool) {
		for {
			if r, err, there := pull(); !there || err != nil || u.hasSelected(r) {
				return r, err, there
			}
		}
	}
	row, err, there := next()
	for there && err == nil {
		of := row // its key; cells are not read
		entity := *row.Entity
		series := &archive.Series{Cluster: row.Cluster, Entity: entity, Columns: u.columns, Done: u.done, Of: u.of}
		if u.table.narrow {
			series.Columns = []archive.Column{{Metric: row.Metric}}
		}
		if u.selection.Incarnations && entity.Pod != "" {
			if series.Incarnations, err = u.Archive.Incarnations(u.ctx, row.Cluster, entity); err != nil {
				return false, err
			}
		}
		same := func() bool {
			return there && err == nil && compareEntities(row.Entity, &entity) == 0 && row.Cluster == of.Cluster && row.Metric == of.Metric
		}
		series.Samples = func(yield func(archive.Sample) bool) {
			for same() {
				for i, index := range u.indexes {
					if c := u.cell(row, i); c.Set && index >= 0 && !yield(archive.Sample{Column: index, At: row.At, Value: c.Value}) {
						return
					}
				}
				row, err, there = next()
			}
		}
		if !yield(series) {
			return false, nil
		}
		for same() { // the caller may stop early
			row, err, there = next()
		}
	}
	return true, err
}

// cell returns a cell of a row: of a ratio the exact one, unless the selection asks for
// ratios as Heapster showed them.
func (u *union) cell(r Row, i int) Cell {
	c := r.Cells[i]
	if of := u.table.ratios[i]; of.is && c.Set && !u.selection.Shown {
		if exact, ok := of.exact(r.Cells); ok {
			return Cell{schema.Real(exact), true}
		}
		if _, cut := c.Value.Int64(); cut {
			return Cell{}
		}
	}
	return c
}

// sources returns the table's rows in the lake, a source for each day and cluster, and
// those in the archive.
func (u *union) sources(wanted []bool) ([]iter.Seq2[Row, error], error) {
	window := u.selection.Window
	days, err := u.lake.partitions(func(p partition) bool {
		end := p.day.Add(archive.Daily.Length()) - 1
		return p.table == u.table && end >= window.From && (window.To == 0 || p.day <= window.To) &&
			u.matchesCluster(p.cluster)
	})
	if err != nil {
		return nil, u.lake.explainRead(err)
	}
	var sources []iter.Seq2[Row, error]
	has := make(map[archive.LakeDay]bool)
	for _, p := range days {
		parts, err := u.lake.parts(p)
		if err != nil {
			return nil, u.lake.explainRead(err)
		}
		has[p.of()] = len(parts) > 0
		sources = append(sources, u.dayRows(parts, wanted))
	}
	if err := checkDays(u.noted(), window, has); err != nil {
		return nil, u.lake.explainRead(err)
	}
	return append(sources, u.archiveRows()), nil
}

// dayRows yields the selected rows of a day in the lake.
func (u *union) dayRows(parts []part, wanted []bool) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, p := range parts {
			var entity *schema.Entity
			var metric schema.MetricName
			matches := false
			for r, err := range p.read(u.ctx, wanted) {
				if err != nil {
					yield(r, u.lake.explainRead(err))
					return
				}
				if r.Entity != entity || r.Metric != metric {
					entity, metric = r.Entity, r.Metric
					matches = u.selection.Matches(r.Cluster, *entity) && (!u.table.narrow || u.selection.MatchesMetric(metric))
				}
				window := u.selection.Window
				if matches && r.At >= window.From && (window.To == 0 || r.At <= window.To) && !yield(r, nil) {
					return
				}
			}
		}
	}
}

// hasSelected reports whether a row has a selected sample.
func (u *union) hasSelected(r Row) bool {
	for i, index := range u.indexes {
		if index >= 0 && u.cell(r, i).Set {
			return true
		}
	}
	return false
}

// archiveRows yields the selected rows of the archive. Narrow rows of an entity are in
// memory; other rows are read one by one.
func (u *union) archiveRows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for s, err := range u.Archive.Table(u.ctx, u.table.name, nil, u.stored) {
			if err != nil {
				yield(Row{}, err)
				return
			}
			if u.table.narrow {
				b := newRowBuilder(s)
				for sample := range s.Samples {
					b.add(sample)
				}
				for _, rows := range b.made {
					for _, r := range b.sorted(rows) {
						if !yield(r, nil) {
							return
						}
					}
				}
				continue
			}
			if !u.wideRows(s, yield) {
				return
			}
		}
	}
}

// wideRows yields the rows of a series whose samples are in time order.
func (u *union) wideRows(s *archive.Series, yield func(Row, error) bool) (more bool) {
	entity := s.Entity
	row := Row{Entity: &entity, Cluster: s.Cluster, Cells: make([]Cell, len(u.table.metrics))}
	for sample := range s.Samples {
		if sample.At != row.At {
			if row.At != 0 && !yield(row, nil) {
				return false
			}
			row.At = sample.At
			clear(row.Cells)
		}
		row.Cells[u.table.columns[s.Columns[sample.Column].Metric]] = Cell{sample.Value, true}
	}
	return row.At == 0 || yield(row, nil)
}
