package engine

import (
	"context"
	"errors"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/sqlite"
	"heapstash/archive/transfer"
	"heapstash/cmd/heapstash/config"
	"heapstash/schema"
)

// Source is one state of an archive that is copied.
type Source struct {
	transfer.Source
	Reader Reader
}

// Close closes the archive.
func (s Source) Close() error { return errors.Join(s.Source.Close(), s.Reader.Close()) }

// OpenSource opens the settings' archive to be copied.
func OpenSource(ctx context.Context, cfg config.Config) (Source, error) {
	reader, err := Read(ctx, cfg)
	if err != nil {
		return Source{}, err
	}
	samples, err := reader.OpenSamples(ctx)
	if err != nil {
		return Source{}, errors.Join(err, reader.Close())
	}
	if of, ok := reader.(server); ok {
		source, err := of.sourceOf(ctx, cfg, samples)
		if err != nil {
			return Source{}, errors.Join(err, reader.Close())
		}
		return Source{source, reader}, nil
	}
	source, ok := samples.(transfer.Source)
	if !ok {
		return Source{}, errors.Join(errors.New("archives of this engine cannot be copied"), samples.Close(), reader.Close())
	}
	return Source{source, reader}, nil
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
