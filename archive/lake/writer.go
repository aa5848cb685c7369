package lake

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"heapstash/archive"
)

// Writer writes a new lake, a day at a time. Use it from one goroutine.
type Writer struct {
	lake    *Lake
	open    map[partition]*draft
	done    map[partition]int // number of parts of the day
	samples int64             // in parts of the day that are complete
}

// NewWriter returns a writer to a lake that is empty.
func NewWriter(l *Lake) *Writer {
	return &Writer{lake: l, open: make(map[partition]*draft), done: make(map[partition]int)}
}

// draft is a part that is being written.
type draft struct {
	partition
	file   *os.File
	buffer *bufio.Writer
	*partWriter
}

// Write writes the samples of a series. All samples between two calls of EndDay are of
// one day. It needs memory for the samples of the series, and a few MB for each table and
// cluster of the day.
func (w *Writer) Write(s *archive.Series) error {
	b := newRowBuilder(s)
	var day *archive.Sample
	for sample := range s.Samples {
		if day == nil {
			day = &sample
		}
		b.add(sample)
	}
	for t := range b.made {
		p := partition{t, s.Cluster, archive.Daily.Begin(day.At)}
		part, err := w.part(p, b)
		if err != nil {
			return err
		}
		for _, r := range b.rows(t) {
			if err := part.add(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// part returns the open part of the partition. If the entity is not behind the last one,
// it begins another part, so that each part is sorted.
func (w *Writer) part(p partition, b *rowBuilder) (*draft, error) {
	part := w.open[p]
	if part != nil && part.last != nil && compareEntities(b.entity, part.last) <= 0 {
		if err := w.close(context.Background(), part); err != nil {
			return nil, err
		}
		part = nil
	}
	if part != nil {
		return part, nil
	}
	if err := errors.Join(w.lake.writeReadme(), w.lake.makeDirectory(p)); err != nil {
		return nil, err
	}
	file, err := w.lake.create(draftOf(w.path(p)))
	if err != nil {
		return nil, err
	}
	buffer := bufio.NewWriterSize(file, 1<<16)
	part = &draft{p, file, buffer, newPartWriter(p.table, buffer)}
	w.open[p] = part
	return part, nil
}

// path returns the path of the partition's next part.
func (w *Writer) path(p partition) string {
	return filepath.Join(p.path(w.lake.dir), partName(w.done[p]))
}

// EndDay completes the day, with a part for each table and cluster, and returns the number
// of samples in them.
func (w *Writer) EndDay(ctx context.Context) (samples int64, err error) {
	for _, part := range w.open {
		if err := w.close(ctx, part); err != nil {
			return 0, err
		}
	}
	for p, number := range w.done {
		if number > 1 {
			if err := w.join(ctx, p, number); err != nil {
				return 0, err
			}
		}
	}
	clear(w.done)
	samples, w.samples = w.samples, 0
	return samples, nil
}

// join merges the parts of a partition, which may have the same entities, into the first
// part.
func (w *Writer) join(ctx context.Context, p partition, number int) error {
	all, err := w.lake.parts(p)
	if err != nil {
		return err
	}
	var sources []iter.Seq2[Row, error]
	for _, one := range all {
		sources = append(sources, one.read(ctx, nil))
	}
	path := p.path(w.lake.dir)
	if err := w.lake.writePart(ctx, p, filepath.Join(path, partName(0)), merge(sources)); err != nil {
		return err
	}
	for n := 1; n < number; n++ {
		if err := os.Remove(filepath.Join(path, partName(n))); err != nil {
			return err
		}
	}
	return w.lake.syncDirectories(p)
}

// close completes a part: see [Lake.Keep].
func (w *Writer) close(ctx context.Context, part *draft) error {
	p := part.partition
	delete(w.open, p)
	path := draftOf(w.path(p))
	err := errors.Join(part.partWriter.close(), part.buffer.Flush(), part.file.Sync(), part.file.Close())
	if err == nil {
		err = verify(ctx, path, p, &part.digest)
	}
	if err == nil {
		err = os.Rename(path, w.path(p))
	}
	w.done[p]++
	w.samples += part.digest.samples
	if err != nil {
		return fmt.Errorf("%s: %w", p.path(w.lake.dir), err)
	}
	return w.lake.syncDirectories(p)
}

// Tables returns the names of the tables of a lake.
func Tables() (names []string) {
	for _, t := range layoutOf().tables {
		names = append(names, t.name)
	}
	return slices.Clip(names)
}
