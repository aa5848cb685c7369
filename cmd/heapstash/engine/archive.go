package engine

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/archive/query"
	"heapstash/archive/sqlite"
	"heapstash/cmd/heapstash/config"
)

// Store is an archive that is open for passes. Use it from one goroutine.
type Store interface {
	collect.Store
	// ID distinguishes the archive from all others.
	ID() string
	// Warning says why the archive is less safe, or slower, than it could be; empty if
	// there is no reason.
	Warning() string
	Close() error
}

// Reader is an archive that is open for reading. Several goroutines may use it.
type Reader interface {
	query.Archive
	archive.Teller
	// OpenSamples opens the samples that the archive has at this moment.
	OpenSamples(context.Context) (archive.Samples, error)
	// Dialect is the SQL of [Reader.Select].
	Dialect() Dialect
	// Select runs a statement that only reads. It calls begin with the names of the
	// columns, and then row with the values of each row, which it reuses. Their errors
	// are returned as they are.
	Select(ctx context.Context, statement string, begin func(columns []string) error, row func(values []any) error) error
	Close() error
}

// Meter measures how the space of an archive is used. Some [Reader]s are one.
type Meter interface {
	Usage(context.Context) (archive.Usage, error)
}

// Dialect is an engine's SQL.
type Dialect string

// The dialects.
const (
	SQLite     Dialect = "sqlite"
	ClickHouse Dialect = "clickhouse"
)

// Options say how an archive is opened for a pass.
type Options struct {
	// Expect is the ID of the archive that must be there. Then none is made, and
	// another one is refused. Empty allows any.
	Expect string
	// LockWait is how long to wait for another writer.
	LockWait time.Duration
	// Migrating, if not nil, is called with the progress of a migration.
	Migrating func(Migration)
}

// Open opens the settings' archive for passes, and makes one if there is none.
func Open(ctx context.Context, cfg config.Config, opts Options) (Store, error) {
	if cfg.Archive.URL != "" {
		return openServer(ctx, cfg, opts)
	}
	file := FileOptionsOf(cfg)
	file.Expect, file.LockWait, file.Migrating = opts.Expect, opts.LockWait, opts.Migrating
	store, err := sqlite.Open(ctx, cfg.DBFile, file)
	if err != nil {
		return nil, err
	}
	return store, nil
}

// Read opens the settings' archive for reading.
func Read(ctx context.Context, cfg config.Config) (Reader, error) {
	if cfg.Archive.URL != "" {
		return readServer(ctx, cfg)
	}
	reader, err := ReadFile(ctx, cfg.DBFile)
	if err != nil {
		return nil, err
	}
	return reader, nil
}

// Exists reports whether something is at the archive's address. It may not be an
// archive. A server that does not answer may have one.
func Exists(ctx context.Context, cfg config.Config) bool {
	if cfg.Archive.URL != "" {
		return serverHas(ctx, cfg)
	}
	info, err := os.Stat(cfg.DBFile)
	return err == nil && info.Size() > 0 || err != nil && !errors.Is(err, fs.ErrNotExist)
}

// Name returns the archive's absolute address, which has no password.
func Name(cfg config.Config) string {
	if cfg.Archive.URL != "" {
		return cfg.Archive.URL
	}
	if absolute, err := filepath.Abs(cfg.DBFile); err == nil {
		return absolute
	}
	return cfg.DBFile
}
