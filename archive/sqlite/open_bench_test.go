package sqlite_test

import (
	"testing"

	"heapstash/archive/sqlite"
)

// BenchmarkOpen opens an archive and closes it, as every pass does: SQLite reads
// the whole schema, views and all.
func BenchmarkOpen(b *testing.B) {
	path := b.TempDir() + "/a.db"
	for b.Loop() {
		s, err := sqlite.Open(b.Context(), path, sqlite.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
