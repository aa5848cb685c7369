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

// WithLake returns the samples of the settings' lake and of the reader together. Close
// them.
func WithLake(ctx context.Context, cfg config.Config, reader Reader) (archive.Samples, error) {
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
	return l.With(both), nil
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
		both := &lakeReader{File: file, cfg: cfg, dir: dir, excerpts: make(map[schema.MetricName]*sqlite.Reader)}
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
	excerpts map[schema.MetricName]*sqlite.Reader
}

// close removes the excerpts.
func (r *lakeReader) close() (err error) {
	for _, e := range r.excerpts {
		err = errors.Join(err, e.Close())
	}
	return errors.Join(err, os.RemoveAll(r.dir))
}

// growthBefore is how long before the range a counter's samples are read, to find the
// sample before each series' first one.
const growthBefore = 24 * time.Hour

// excerpt returns an archive with the raw samples that the query needs.
func (r *lakeReader) excerpt(ctx context.Context, q query.Query) (*sqlite.Reader, error) {
	r.Lock()
	defer r.Unlock()
	if e := r.excerpts[q.Metric.Name]; e != nil {
		return e, nil
	}
	selection := archive.Selection{Filter: q.Filter, Kinds: []schema.Kind{q.Kind}, Window: schema.Window{From: q.From, To: q.To}}
	if q.Step > 0 {
		selection.Window.From = query.StepBegin(q.From, q.Step)
	}
	if q.Metric.Type != schema.Gauge {
		selection.Window.From = max(selection.Window.From.Add(-growthBefore), 1)
	}
	if q.Kind == schema.Pod || q.Kind == schema.Container {
		selection.Nodes = nil // a pod's nodes are not among its names
	}
	for _, m := range []schema.MetricName{q.Metric.Name, q.Metric.Part, q.Metric.Whole} {
		if m != "" {
			selection.Metrics = append(selection.Metrics, archive.Verbatim(string(m)))
		}
	}
	samples, err := WithLake(ctx, r.cfg, r.File)
	if err != nil {
		return nil, err
	}
	defer samples.Close() // read only
	path := filepath.Join(r.dir, fmt.Sprintf("%d.db", len(r.excerpts)))
	if err := sqlite.MakeExcerpt(ctx, path, r.Reader, samples, selection); err != nil {
		return nil, err
	}
	e, err := sqlite.OpenReader(ctx, path)
	if err == nil {
		r.excerpts[q.Metric.Name] = e
	}
	return e, err
}

// Coverage implements [query.Archive].
func (r *lakeReader) Coverage(ctx context.Context, q query.Query) (query.Coverage, error) {
	e, err := r.excerpt(ctx, q)
	if err != nil {
		return query.Coverage{}, err
	}
	return e.Coverage(ctx, q)
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
