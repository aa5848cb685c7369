package lake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// Keep implements [archive.Lake]. The series are of one table: a kind's, a labelled
// family's or [Narrow]. Samples that the lake has already are not written again. Of two
// values of a sample, the lake's stays, unless it was cut from the other one
// ([schema.Value.Meet]).
//
// Keep holds all rows in memory, and the lake's lock.
func (l *Lake) Keep(ctx context.Context, of archive.LakeDay, series iter.Seq2[*archive.Series, error]) (conflicts []archive.Conflict, err error) {
	p := partition{layoutOf().byName[of.Table], of.Cluster, of.Day}
	if p.table == nil {
		return nil, fmt.Errorf("no table %s in the lake", of.Table)
	}
	rows, err := collectRows(p, series)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	lock, err := l.lock()
	if err != nil {
		return nil, l.explain(err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := errors.Join(l.writeReadme(), l.makeDirectory(p)); err != nil {
		return nil, l.explain(err)
	}
	if conflicts, err = l.keepRows(ctx, p, rows); err == nil {
		// Also if nothing was written: a process may have been killed before it did this.
		err = l.syncDirectories(p)
	}
	return conflicts, l.explain(err)
}

// keepRows merges rows into the parts with their entities, and writes the rest, behind
// the last part, as a new part.
func (l *Lake) keepRows(ctx context.Context, p partition, rows []Row) (conflicts []archive.Conflict, err error) {
	parts, err := l.parts(p)
	if err != nil {
		return nil, err
	}
	number := 0
	for i, one := range parts {
		nth, _ := parsePart(filepath.Base(one.file))
		number = max(number, nth+1)
		end := 0
		for end < len(rows) {
			e := rows[end].Entity
			if i+1 < len(parts) && compareEntities(e, &parts[i+1].first) >= 0 || i+1 == len(parts) && compareEntities(e, &one.last) > 0 {
				break
			}
			end++
		}
		mine := rows[:end]
		rows = rows[end:]
		if len(mine) == 0 {
			continue
		}
		has, differing, err := one.has(ctx, mine)
		if err != nil {
			return conflicts, err
		}
		if conflicts = append(conflicts, differing...); !has {
			if err := l.writePart(ctx, p, one.file, merge([]iter.Seq2[Row, error]{one.read(ctx, nil), sorted(mine)})); err != nil {
				return conflicts, err
			}
		}
	}
	if len(rows) == 0 {
		return conflicts, nil
	}
	return conflicts, l.writePart(ctx, p, filepath.Join(p.path(l.dir), partName(number)), sorted(rows))
}

// has reports whether the part has all samples of the rows, and returns those with another
// value in it.
func (p part) has(ctx context.Context, rows []Row) (all bool, conflicts []archive.Conflict, err error) {
	all = true
	for r, err := range p.read(ctx, nil) {
		if err != nil {
			return false, nil, err
		}
		for len(rows) > 0 && rows[0].Compare(r) < 0 {
			all, rows = false, rows[1:]
		}
		if len(rows) == 0 {
			break
		}
		if rows[0].Compare(r) != 0 {
			continue
		}
		changed, cells := r.meet(rows[0])
		all = all && !changed
		for _, i := range cells {
			conflicts = append(conflicts, archive.Conflict{Entity: *r.Entity, Metric: p.table.metricOf(r, i), At: r.At, Kept: r.Cells[i].Value, Refused: rows[0].Cells[i].Value})
		}
		rows = rows[1:]
	}
	return all && len(rows) == 0, conflicts, nil
}

// writePart writes a part, which is there whole or as before.
func (l *Lake) writePart(ctx context.Context, p partition, path string, rows iter.Seq2[Row, error]) (err error) {
	draft := draftOf(path)
	file, err := l.create(draft)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, file.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(draft))
		}
	}()
	written, err := writeRows(ctx, p.table, file, rows)
	if err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := verify(ctx, draft, p, written); err != nil {
		return err
	}
	return os.Rename(draft, path)
}

// writeRows writes rows as Parquet.
func writeRows(ctx context.Context, t *table, w io.Writer, rows iter.Seq2[Row, error]) (*digest, error) {
	out := newPartWriter(t, w)
	for r, err := range rows {
		if err != nil {
			return nil, err
		}
		if err := out.add(r); err != nil {
			return nil, err
		}
		if out.digest.rows%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return &out.digest, out.close()
}

// verify reads a file and compares its rows with those that were written.
func verify(ctx context.Context, path string, of partition, written *digest) error {
	one, err := measurePart(path, of)
	if err != nil {
		return err
	}
	var read digest
	for r, err := range one.read(ctx, nil) {
		if err != nil {
			return err
		}
		read.add(r)
	}
	if !read.equal(written) || one.samples != written.samples {
		return fmt.Errorf("%s: %d rows and %d samples were written, and reading gives %d and %d or other values", path, written.rows, written.samples, read.rows, read.samples)
	}
	return nil
}

// collectRows returns the sorted rows of series.
func collectRows(p partition, series iter.Seq2[*archive.Series, error]) ([]Row, error) {
	var all []Row
	for s, err := range series {
		if err != nil {
			return nil, err
		}
		b := newRowBuilder(s)
		for sample := range s.Samples {
			if archive.Daily.Begin(sample.At) != p.day || s.Cluster != p.cluster || b.of(sample.Column) != p.table {
				return nil, fmt.Errorf("%v at %v is not of %s", s.Entity, sample.At, p.path(""))
			}
			b.add(sample)
		}
		all = append(all, b.rows(p.table)...)
	}
	slices.SortStableFunc(all, Row.Compare)
	return all, nil
}

// rowBuilder makes rows of the samples of a series.
type rowBuilder struct {
	entity  *schema.Entity
	cluster string
	tables  []*table // by column
	cells   []int    // by column
	metrics []schema.MetricName
	made    map[*table][]Row
	index   map[rowKey]int // into made
	slab    []Cell
}

type rowKey struct {
	table  *table
	metric schema.MetricName
	at     schema.Instant
}

func newRowBuilder(s *archive.Series) *rowBuilder {
	e := s.Entity
	b := &rowBuilder{entity: &e, cluster: s.Cluster, made: make(map[*table][]Row), index: make(map[rowKey]int)}
	for _, c := range s.Columns {
		t, cell := layoutOf().find(e, c.Metric)
		b.tables, b.cells, b.metrics = append(b.tables, t), append(b.cells, cell), append(b.metrics, c.Metric)
	}
	return b
}

func (b *rowBuilder) of(column int) *table { return b.tables[column] }

// add adds a sample to its row.
func (b *rowBuilder) add(s archive.Sample) {
	t := b.tables[s.Column]
	key := rowKey{table: t, at: s.At}
	if t.narrow {
		key.metric = b.metrics[s.Column]
	}
	rows := b.made[t]
	i, there := len(rows)-1, false
	if i >= 0 && rows[i].At == key.at && rows[i].Metric == key.metric {
		there = true
	} else {
		i, there = b.index[key]
	}
	if !there {
		i = len(rows)
		if len(b.slab) < len(t.metrics) {
			b.slab = make([]Cell, 256*len(t.metrics))
		}
		b.made[t] = append(rows, Row{b.entity, b.cluster, key.metric, s.At, b.slab[:len(t.metrics):len(t.metrics)]})
		b.slab = b.slab[len(t.metrics):]
		b.index[key] = i
	}
	b.made[t][i].Cells[b.cells[s.Column]] = Cell{s.Value, true}
}

// rows returns the rows of a table, sorted.
func (b *rowBuilder) rows(t *table) []Row { return b.sorted(b.made[t]) }

func (b *rowBuilder) sorted(rows []Row) []Row {
	if !slices.IsSortedFunc(rows, Row.Compare) {
		slices.SortFunc(rows, Row.Compare)
	}
	return rows
}
