package engine

import (
	"context"
	"errors"
	"iter"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/lake"
	"heapstash/archive/sqlite"
	"heapstash/archive/transfer"
	"heapstash/cmd/heapstash/config"
	"heapstash/schema"
)

// Source is one state of an archive that is copied.
type Source struct {
	transfer.Source
	reader Reader
	lake   []archive.LakeSpan // what is read from the lake, too
}

// Close closes the archive.
func (s Source) Close() error { return errors.Join(s.Source.Close(), s.reader.Close()) }

// Status returns the archive's status. Raw samples begin where those of the lake begin, if
// they are copied.
func (s Source) Status(ctx context.Context) (archive.Status, error) {
	status, err := s.reader.Status(ctx)
	for i := range status.Kinds {
		k := &status.Kinds[i]
		for _, of := range s.lake {
			if of.Cluster == k.Cluster && of.Kind == k.Kind && (k.Oldest == 0 || of.From < k.Oldest) {
				k.Oldest = of.From
			}
		}
	}
	return status, err
}

// OpenSource opens the settings' archive to be copied, if withLake together with the raw
// samples of its lake.
func OpenSource(ctx context.Context, cfg config.Config, withLake bool) (Source, error) {
	reader, err := Read(ctx, cfg)
	if err != nil {
		return Source{}, err
	}
	source, err := openSource(ctx, cfg, reader, withLake)
	if err != nil {
		return Source{}, errors.Join(err, reader.Close())
	}
	return source, nil
}

func openSource(ctx context.Context, cfg config.Config, reader Reader, withLake bool) (Source, error) {
	var both *lake.Samples
	var samples archive.Samples
	var err error
	if withLake {
		if both, err = WithLake(ctx, cfg, reader); err != nil {
			return Source{}, err
		}
		samples = both.Archive
	} else if samples, err = reader.OpenSamples(ctx); err != nil {
		return Source{}, err
	}
	if of, ok := reader.(server); ok {
		source, err := of.sourceOf(ctx, cfg, samples)
		return Source{Source: source, reader: reader}, err
	}
	source, ok := samples.(transfer.Source)
	if !ok {
		return Source{}, errors.Join(errors.New("archives of this engine cannot be copied"), samples.Close())
	}
	if !withLake {
		return Source{Source: source, reader: reader}, nil
	}
	return Source{lakeSource{source, both}, reader, both.Noted}, nil
}

// lakeSource is a file together with its lake.
type lakeSource struct {
	transfer.Source
	both *lake.Samples
}

func (s lakeSource) Series(ctx context.Context, selection archive.Selection) iter.Seq2[*archive.Series, error] {
	return s.both.Series(ctx, selection)
}

func (s lakeSource) Span(ctx context.Context) (schema.Window, error) {
	w, err := s.Source.Span(ctx)
	for _, of := range s.both.Noted {
		if w.To == 0 || of.From < w.From {
			w.From = of.From
		}
		w.To = max(w.To, of.Until-1)
	}
	return w, err
}

// Target is an archive that a copy is written to.
type Target interface {
	transfer.Target
	Close() error
}

// OpenTarget opens the settings' archive for a copy, and makes one if there is none. No
// retention deletes what is copied, and what a lake has is copied again.
func OpenTarget(ctx context.Context, cfg config.Config, opts Options) (Target, error) {
	cfg.Archive.Retention, cfg.Archive.MaxSize, cfg.Archive.Lake = config.Default().Archive.Retention, 0, ""
	store, err := Open(ctx, cfg, opts)
	if err != nil {
		return nil, err
	}
	reader, err := Read(ctx, cfg)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	recorder, ok := store.(recorder)
	if !ok {
		return nil, errors.Join(errors.New("no archive can be copied to this engine"), reader.Close(), store.Close())
	}
	return target{recorder, reader}, nil
}

// recorder is a store that takes a copy.
type recorder interface {
	Store
	Record(context.Context, transfer.Record) error
	Settle(context.Context, schema.Instant) error
}

var (
	_ recorder = (*sqlite.Store)(nil)
	_ recorder = (*clickhouse.Store)(nil)
)

// target is a store with a reader of the same archive.
type target struct {
	recorder
	reader Reader
}

func (t target) Status(ctx context.Context) (archive.Status, error) { return t.reader.Status(ctx) }

func (t target) OpenSamples(ctx context.Context) (archive.Samples, error) {
	return t.reader.OpenSamples(ctx)
}

func (t target) Close() error { return errors.Join(t.reader.Close(), t.recorder.Close()) }
