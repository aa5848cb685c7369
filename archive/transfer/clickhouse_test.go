package transfer_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/transfer"
)

// onServer is an archive in ClickHouse that is open for a copy.
type onServer struct {
	*clickhouse.Store
	reader *clickhouse.Reader
}

func (s onServer) Status(ctx context.Context) (archive.Status, error) { return s.reader.Status(ctx) }

func (s onServer) OpenSamples(ctx context.Context) (archive.Samples, error) {
	return s.reader.OpenSamples(ctx)
}

func openOnServer(t *testing.T, address string) onServer {
	t.Helper()
	store, err := clickhouse.Open(t.Context(), address, clickhouse.Options{})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := clickhouse.OpenReader(t.Context(), address, conn.Options{})
	if err != nil {
		t.Fatal(errors.Join(err, store.Close()))
	}
	return onServer{store, reader}
}

func (s onServer) close(t *testing.T) {
	t.Helper()
	if err := errors.Join(s.reader.Close(), s.Store.Close()); err != nil {
		t.Fatal(err)
	}
}

// From a file to ClickHouse and to another file: all cells are the same, and so are the
// names, the ledger and the memory. The file makes the same hours and days of them.
func TestThroughClickHouse(t *testing.T) {
	server := clickhousetest.Start(t)
	through(t, "clickhouse://"+server.Address+"/"+server.Database(t))
}

// TestThroughCluster is the same with two shards of two replicas each.
func TestThroughCluster(t *testing.T) {
	cluster := clickhousetest.StartCluster(t, clickhousetest.Options{})
	through(t, "clickhouse://"+strings.Join(cluster.Addresses(), ",")+"/"+cluster.Database(t)+"?cluster="+cluster.Name)
}

func through(t *testing.T, address string) {
	from, to := filepath.Join(t.TempDir(), "from.db"), filepath.Join(t.TempDir(), "to.db")
	odd(t, from, 0, 9)
	settleAll(t, from, begin+8*7*hour)
	s := openOnServer(t, address)
	defer s.close(t)
	report := copyFile(t, from, s, transfer.Options{})
	if report.Faults() != 0 || report.Written != report.Samples || report.Samples == 0 {
		t.Errorf("the copy to ClickHouse: %+v", report)
	}
	again := copyFile(t, from, s, transfer.Options{})
	if again.Written != 0 || again.Skipped != again.Pieces || again.Pieces != report.Pieces {
		t.Errorf("the second copy: %+v", again)
	}

	samples, err := s.reader.OpenSamples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	source, err := clickhouse.NewSource(t.Context(), address, conn.Options{}, samples)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	}()
	f := openTarget(t, to)
	back := run(t, s.reader, source, f, transfer.Options{})
	f.close(t)
	if back.Faults() != 0 || back.Written != report.Samples {
		t.Errorf("the copy back: %+v", back)
	}
	same(t, from, to)
	whole(t, to)
}
