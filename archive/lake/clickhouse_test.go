package lake_test

import (
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/export"
	"heapstash/archive/lake"
)

// What is exported from ClickHouse is what is exported from a file with the same samples,
// cell by cell and in as many parts.
func TestExportFromClickHouse(t *testing.T) {
	server := clickhousetest.Start(t)
	address := "clickhouse://" + server.Address + "/" + server.Database(t)
	s, err := clickhouse.Open(t.Context(), address, clickhouse.Options{})
	if err != nil {
		t.Fatal(err)
	}
	writeTo(t, s, clusters, times...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := clickhouse.OpenReader(t.Context(), address, conn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	samples, err := r.OpenSamples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer samples.Close()
	exported := func(from archive.Samples) (cells, files []string) {
		l := lake.Open(t.TempDir(), 0o640)
		if _, err := export.WriteParquet(t.Context(), l, from, archive.Selection{}, export.Options{}); err != nil {
			t.Fatal(err)
		}
		for _, file := range filesOf(t, l.Dir()) {
			path, _, isPart := strings.Cut(strings.TrimPrefix(file, l.Dir()), ".parquet")
			if isPart {
				files = append(files, path)
			}
		}
		return spelled(t, l.With(open(t, newArchive(t))).Series(t.Context(), archive.Selection{Shown: true})), files
	}
	cells, files := exported(samples)
	want, wantFiles := exported(open(t, newArchive(t, times...)))
	equal(t, cells, want)
	equal(t, files, wantFiles)
}
