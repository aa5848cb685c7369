package lake

import (
	"io"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"heapstash/schema"
)

const (
	// batchRows is how many rows are handed to the columns at a time, groupRows how many
	// are in a row group.
	batchRows = 2048
	groupRows = 1 << 18
	// pageBytes is the size of a decoded page.
	pageBytes = 64 << 10

	// Keys of a part's metadata: its first and last entity, and its number of samples.
	firstKey   = "heapstash.first"
	lastKey    = "heapstash.last"
	samplesKey = "heapstash.samples"
)

// partWriter writes rows, which are sorted, as Parquet.
type partWriter struct {
	table  *table
	out    *parquet.GenericWriter[any]
	batch  [][]parquet.Value // by column
	rows   int               // in the batch
	group  int               // rows in the row group, without the batch
	digest digest

	first, last *schema.Entity
	names       []string
	labels      map[string]string
}

func newPartWriter(t *table, w io.Writer) *partWriter {
	out := parquet.NewGenericWriter[any](w, t.schema, parquet.Compression(&zstd.Codec{Level: zstd.SpeedBetterCompression}),
		parquet.PageBufferSize(pageBytes), parquet.CreatedBy("heapstash", "1", ""), parquet.SortingWriterConfig(parquet.SortingColumns(t.sorting()...)))
	return &partWriter{table: t, out: out, batch: make([][]parquet.Value, len(t.schema.Columns()))}
}

// sorting returns the columns by which a part is sorted.
func (t *table) sorting() (columns []parquet.SortingColumn) {
	for _, name := range t.names {
		columns = append(columns, parquet.Ascending(name))
	}
	if t.narrow {
		columns = append(columns, parquet.Ascending("metric"))
	}
	return append(columns, parquet.Ascending("ts"))
}

// add writes a row.
func (w *partWriter) add(r Row) error {
	w.digest.add(r)
	if w.last == nil || *w.last != *r.Entity {
		own := *r.Entity
		w.last = &own
		if w.first == nil {
			w.first = w.last
		}
		w.names = w.table.nameValues(w.last, w.names)
		w.labels = w.labelValues()
	}
	column := 0
	put := func(v parquet.Value, level int) {
		w.batch[column] = append(w.batch[column], v.Level(0, level, column))
		column++
	}
	text := func(value string, optional bool) {
		switch {
		case !optional:
			put(parquet.ByteArrayValue([]byte(value)), 0)
		case value == "":
			put(parquet.NullValue(), 0)
		default:
			put(parquet.ByteArrayValue([]byte(value)), 1)
		}
	}
	for i, name := range w.names {
		text(name, w.table.mixed() && i > 0)
	}
	for _, key := range w.table.labels {
		text(w.labels[key], true)
	}
	if w.table.narrow {
		text(string(r.Metric), false)
	}
	put(parquet.Int64Value(int64(r.At)), 0)
	put(parquet.Int64Value(int64(r.At)*1000), 0)
	for cell, c := range r.Cells {
		i, isInt := c.Value.Int64()
		switch {
		case !c.Set:
			put(parquet.NullValue(), 0)
			put(parquet.NullValue(), 0)
		case isInt:
			put(parquet.Int64Value(i), 1)
			if of := w.table.ratios[cell]; of.is {
				if exact, ok := of.exact(r.Cells); ok {
					put(parquet.DoubleValue(exact), 1)
					continue
				}
			}
			put(parquet.NullValue(), 0)
		default:
			put(parquet.NullValue(), 0)
			put(parquet.DoubleValue(c.Value.Float64()), 1)
		}
	}
	if w.rows++; w.rows >= batchRows {
		return w.flushBatch()
	}
	return nil
}

// labelValues returns the values of the last entity's labels, by key.
func (w *partWriter) labelValues() map[string]string {
	if len(w.table.labels) == 0 {
		return nil
	}
	labels, _ := w.table.metrics[0].Name.ReadLabels(w.last.Labels)
	return labels
}

func (w *partWriter) flushBatch() error {
	for i, column := range w.out.ColumnWriters() {
		if _, err := column.WriteRowValues(w.batch[i]); err != nil {
			return err
		}
		w.batch[i] = w.batch[i][:0]
	}
	w.group += w.rows
	w.rows = 0
	if w.group < groupRows {
		return nil
	}
	w.group = 0
	return w.out.Flush()
}

// close writes the rest and the footer.
func (w *partWriter) close() error {
	if err := w.flushBatch(); err != nil {
		return err
	}
	w.out.SetKeyValueMetadata(samplesKey, strconv.FormatInt(w.digest.samples, 10))
	if w.first != nil {
		w.out.SetKeyValueMetadata(firstKey, spellEntity(w.first))
		w.out.SetKeyValueMetadata(lastKey, spellEntity(w.last))
	}
	return w.out.Close()
}

// spellEntity spells an entity for [parseEntity]: a quoted text for each column of
// allNames, joined by commas.
func spellEntity(e *schema.Entity) string {
	texts := []string{strconv.Quote(e.Kind.String())}
	for _, column := range allNames[1:] {
		texts = append(texts, strconv.Quote(*nameField(e, column)))
	}
	return strings.Join(texts, ",")
}

// parseEntity is the inverse of spellEntity.
func parseEntity(text string) (e schema.Entity, ok bool) {
	for i, column := range allNames {
		quoted, err := strconv.QuotedPrefix(text)
		if err != nil {
			return e, false
		}
		value, _ := strconv.Unquote(quoted)
		if i == 0 {
			if e.Kind, err = schema.ParseKind(value); err != nil {
				return e, false
			}
		} else {
			*nameField(&e, column) = value
		}
		text = strings.TrimPrefix(text[len(quoted):], ",")
	}
	return e, text == ""
}
