package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"heapstash/archive"
	"heapstash/archive/lake"
	"heapstash/archive/query"
	"heapstash/archive/sqlite"
	"heapstash/cmd/heapstash/config"
	"heapstash/schema"
)

// errNoLake is the error for a lake that is asked for and not set.
var errNoLake = schema.WithHint(errors.New("--lake needs a lake"), "archive.lake, or HEAPSTASH_ARCHIVE_LAKE, names its directory")

// WithLake returns the samples of the settings' lake and of the reader together. Reading a
// day that the archive noted and the lake lacks is an error. Close them.
func WithLake(ctx context.Context, cfg config.Config, reader Reader) (*lake.Samples, error) {
	l := LakeOf(cfg)
	if l == nil {
		return nil, errNoLake
	}
	samples, err := reader.OpenSamples(ctx)
	if err != nil {
		return nil, err
	}
	both, ok := samples.(lake.Archive)
	if !ok {
		return nil, errors.Join(errors.New("--lake reads the lake of an SQLite archive only"), samples.Close())
	}
	all := l.With(both)
	if all.Noted, err = InLake(ctx, reader); err != nil {
		return nil, errors.Join(err, samples.Close())
	}
	return all, nil
}

// AskLake is [Ask] for the raw samples of the archive and its lake together. It copies the
// samples that a question needs into a temporary archive, and asks that.
func AskLake(ctx context.Context, cfg config.Config, timeout time.Duration, ask func(context.Context, Reader) error) error {
	return Ask(ctx, cfg, timeout, func(ctx context.Context, reader Reader) (err error) {
		file, ok := reader.(File)
		if !ok {
			return errors.New("--lake reads the lake of an SQLite archive only")
		}
		dir, err := os.MkdirTemp("", "heapstash-*")
		if err != nil {
			return err
		}
		both := &lakeReader{File: file, cfg: cfg, dir: dir, excerpts: make(map[schema.MetricName]excerpt)}
		defer func() { err = errors.Join(err, both.close()) }()
		return ask(ctx, both)
	})
}

// lakeReader is a reader whose answers are made of raw samples, which are in the archive or
// in the lake.
type lakeReader struct {
	File
	cfg config.Config
	dir string // of the excerpts

	sync.Mutex
	excerpts map[schema.MetricName]excerpt
	made     int
}

// excerpt is an archive with the raw samples that a question needs.
type excerpt struct {
	*sqlite.Reader
	from schema.Instant // the begin of the question
}

// close removes the excerpts.
func (r *lakeReader) close() (err error) {
	for _, e := range r.excerpts {
		err = errors.Join(err, e.Close())
	}
	return errors.Join(err, os.RemoveAll(r.dir))
}

// excerpt returns an archive with the raw samples that the query needs. Queries of one
// metric have the same filters, and may have different steps.
func (r *lakeReader) excerpt(ctx context.Context, q query.Query) (e excerpt, err error) {
	r.Lock()
	defer r.Unlock()
	from := q.From
	if q.Step > 0 {
		from = query.StepBegin(q.From, q.Step)
	}
	old, there := r.excerpts[q.Metric.Name]
	if there && old.from <= from {
		return old, nil
	}
	selection := archive.Selection{Filter: q.Filter, Kinds: []schema.Kind{q.Kind}, Window: schema.Window{From: from, To: q.To}, Shown: true}
	if q.Kind == schema.Pod || q.Kind == schema.Container {
		selection.Nodes = nil // a pod's nodes are not among its names
	}
	for _, m := range []schema.MetricName{q.Metric.Name, q.Metric.Part, q.Metric.Whole} {
		if m != "" {
			selection.Metrics = append(selection.Metrics, schema.Verbatim(string(m)))
		}
	}
	samples, err := WithLake(ctx, r.cfg, r.File)
	if err != nil {
		return e, err
	}
	defer samples.Close() // read only
	series := samples.Series(ctx, selection)
	if q.Metric.Type != schema.Gauge {
		born, err := r.born(ctx, q.Kind, from)
		if err != nil {
			return e, err
		}
		series = samples.Grown(ctx, selection, born)
	}
	path := filepath.Join(r.dir, fmt.Sprintf("%d.db", r.made))
	r.made++
	if err := sqlite.MakeExcerpt(ctx, path, r.Reader, series); err != nil {
		return e, err
	}
	if e.Reader, err = sqlite.OpenReader(ctx, path); err != nil {
		return e, err
	}
	e.from, r.excerpts[q.Metric.Name] = from, e
	if there {
		err = old.Close()
	}
	return e, err
}

type clusterEntity struct {
	cluster string
	entity  schema.Entity
}

// selectBorn has the placeholders of a kind and of a time.
const selectBorn = `SELECT cluster, namespace, pod, container, node, labels FROM entities WHERE kind = '%v' AND first_seen >= %d`

// born returns a function that tells whether an entity of the kind was first seen then or
// later. An archive that does not keep days for ever may have forgotten an entity that came
// again, so it does not know.
func (r *lakeReader) born(ctx context.Context, kind schema.Kind, then schema.Instant) (func(string, schema.Entity) bool, error) {
	if r.cfg.Archive.Retention.ByKind()[archive.Daily][kind] > 0 || r.cfg.Archive.MaxSize > 0 {
		return func(string, schema.Entity) bool { return false }, nil
	}
	all := make(map[clusterEntity]bool)
	err := r.Select(ctx, fmt.Sprintf(selectBorn, kind, then), func([]string) error { return nil }, func(row []any) error {
		var names [6]string
		for i, v := range row {
			names[i], _ = v.(string) // else it is NULL
		}
		all[clusterEntity{names[0], schema.Entity{Kind: kind, Namespace: names[1], Pod: names[2], Container: names[3], Node: names[4], Labels: names[5]}}] = true
		return nil
	})
	return func(cluster string, e schema.Entity) bool { return all[clusterEntity{cluster, e}] }, err
}

// Coverage implements [query.Archive]. All levels of the archive tell when its entities
// began; the raw rows of the excerpt answer.
func (r *lakeReader) Coverage(ctx context.Context, q query.Query) (query.Coverage, error) {
	e, err := r.excerpt(ctx, q)
	if err != nil {
		return query.Coverage{}, err
	}
	copied, err := e.Coverage(ctx, q)
	if err != nil {
		return copied, err
	}
	c, err := r.File.Coverage(ctx, q)
	begin := copied.Begin()
	if own := c.Begin(); begin == 0 || own != 0 && own < begin {
		begin = own
	}
	c.Entities = max(c.Entities, copied.Entities)
	c.Levels = map[archive.Level]query.Span{archive.Raw: {From: archive.Daily.Begin(begin), To: max(c.End(), copied.End())}}
	c.Lake = query.Span{}
	return c, err
}

// Answer implements [query.Archive].
func (r *lakeReader) Answer(ctx context.Context, p query.Plan, visit func(query.Row) error) error {
	e, err := r.excerpt(ctx, p.Query)
	if err != nil {
		return err
	}
	return e.Answer(ctx, p, visit)
}

// InLake returns which raw samples pruning wrote to the lake.
func InLake(ctx context.Context, reader Reader) ([]archive.LakeSpan, error) {
	if file, ok := reader.(File); ok {
		return file.InLake(ctx)
	}
	return nil, nil
}
