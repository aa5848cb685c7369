package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"heapstash/archive"
	"heapstash/archive/archivetest"
	"heapstash/archive/sqlite"
)

func TestContract(t *testing.T) {
	archivetest.Run(t, func(t *testing.T) archivetest.Engine {
		path := filepath.Join(t.TempDir(), "a.db")
		return archivetest.Engine{
			Store: func(ctx context.Context, r archive.Retention) (archivetest.Store, error) {
				return sqlite.Open(ctx, path, sqlite.Options{Retention: r})
			},
			Reader: func(ctx context.Context) (archivetest.Reader, error) { return sqlite.OpenReader(ctx, path) },
		}
	})
}
