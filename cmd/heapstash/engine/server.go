package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/clickhouse/read"
	"heapstash/archive/transfer"
	"heapstash/cmd/heapstash/config"
)

// server is an archive in ClickHouse that is open for reading.
type server struct{ *clickhouse.Reader }

// Dialect implements [Reader].
func (server) Dialect() Dialect { return ClickHouse }

// connection returns how to connect to the archive's server.
func connection(cfg config.Config) (opts conn.Options, err error) {
	opts.CAFile = cfg.Archive.CAFile
	opts.Password, err = cfg.Archive.ReadPassword()
	return opts, err
}

// openServer opens the archive on a server for passes. There is no lock, and a server
// migrates nothing.
func openServer(ctx context.Context, cfg config.Config, opts Options) (Store, error) {
	connecting, err := connection(cfg)
	if err != nil {
		return nil, err
	}
	if opts.Expect != "" && !serverHas(ctx, cfg) {
		return nil, fmt.Errorf("%w at %s: it was there before", archive.ErrNoArchive, Name(cfg))
	}
	store, err := clickhouse.Open(ctx, cfg.Archive.URL, clickhouse.Options{Options: connecting, Retention: cfg.Archive.Retention.ByKind()})
	if err != nil {
		return nil, err
	}
	if opts.Expect != "" && store.ID() != opts.Expect {
		return nil, errors.Join(fmt.Errorf("%w is at %s now", archive.ErrOtherArchive, Name(cfg)), store.Close())
	}
	return store, nil
}

// readServer opens the archive on a server for reading.
func readServer(ctx context.Context, cfg config.Config) (Reader, error) {
	opts, err := connection(cfg)
	if err != nil {
		return nil, err
	}
	reader, err := clickhouse.OpenReader(ctx, cfg.Archive.URL, opts)
	if err != nil {
		return nil, err
	}
	return server{reader}, nil
}

// serverHas reports whether the server has an archive, or does not say so.
func serverHas(ctx context.Context, cfg config.Config) bool {
	reader, err := readServer(ctx, cfg)
	if err != nil {
		return !errors.Is(err, archive.ErrNoArchive)
	}
	_ = reader.Close() // read only
	return true
}

// sourceOf returns the source of a copy with the samples.
func (s server) sourceOf(ctx context.Context, cfg config.Config, samples archive.Samples) (transfer.Source, error) {
	opts, err := connection(cfg)
	if err != nil {
		return nil, errors.Join(err, samples.Close())
	}
	return clickhouse.NewSource(ctx, cfg.Archive.URL, opts, samples)
}

type (
	// ServerExamination is the result of [ExamineServer].
	ServerExamination = read.Examination
	ServerState       = read.ServerState
)

// ExamineServer looks at the archive's servers and changes nothing. The last pass in the
// result is the one over the cluster.
func ExamineServer(ctx context.Context, cfg config.Config, now func() time.Time) (ServerExamination, error) {
	opts, err := connection(cfg)
	if err != nil {
		return ServerExamination{Address: Name(cfg), Err: err}, nil
	}
	return read.Examine(ctx, cfg.Archive.URL, cfg.ClusterName, opts, now)
}

// MayPass reports whether an error of an archive may be gone at the next pass.
func MayPass(err error) bool { return errors.Is(err, archive.ErrLocked) || conn.MayPass(err) }

// SchemaOfServer returns the statements that make an archive on servers of ClickHouse, of
// a major version. Replicated is for a cluster whose shards have replicas.
func SchemaOfServer(address string, major uint64, replicated bool) ([]string, error) {
	return clickhouse.DDL(address, major, replicated)
}
