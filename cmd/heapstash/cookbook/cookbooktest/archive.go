package cookbooktest

import (
	"path/filepath"
	"testing"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/collect"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

// store is an archive of either engine, open for passes.
type store interface {
	collect.Store
	Close() error
}

// write makes a pass for each day.
func write(t *testing.T, s store, days []archive.Batch) {
	t.Helper()
	for _, b := range days {
		p := archive.Pass{Cluster: "default", Started: b.Horizon.Time()}
		var err error
		if p.ID, err = s.BeginPass(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		b.Pass = p.ID
		if _, err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		p.Finished, p.Outcome, p.Horizon = p.Started, archive.OutcomeComplete, b.Horizon
		if err := s.EndPass(t.Context(), p, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func liteArchive(t *testing.T, days []archive.Batch, end schema.Instant) selecter {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, days)
	if _, err := upkeep.Compact(t.Context(), path, sqlite.Options{}, end.Time()); err != nil {
		t.Fatal(err)
	}
	r, err := engine.ReadFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func houseArchive(t *testing.T, address string, days []archive.Batch) selecter {
	t.Helper()
	s, err := clickhouse.Open(t.Context(), address, clickhouse.Options{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, days)
	r, err := clickhouse.OpenReader(t.Context(), address, conn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}
