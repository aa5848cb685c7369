package sqlite_test

import (
	"testing"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/schema"
)

// TestStatusIsOneState: while a pass writes, the ledger and the tables in a status agree.
func TestStatusIsOneState(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	pass := begin(t, s)
	batch := func(i int) archive.Batch {
		return archive.Batch{Pass: pass, Cluster: "default", Rows: []schema.Row{row(web0, noon+schema.Instant(i), reading("uptime", 1))}}
	}
	if _, err := s.Write(t.Context(), batch(0)); err != nil {
		t.Fatal(err)
	}
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() // read only
	written := make(chan error)
	go func() {
		var err error
		for i := 1; i < 300 && err == nil; i++ {
			_, err = s.Write(t.Context(), batch(i))
		}
		written <- err
	}()
	for states := 0; ; states++ {
		select {
		case err := <-written:
			if err != nil || states == 0 {
				t.Errorf("%d states, %v", states, err)
			}
			return
		default:
		}
		status, err := r.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if in, told := int(status.Kinds[0].Newest-noon)+1, status.Passes[0].New; in != told {
			t.Fatalf("state %d: the table has %d samples, and the ledger %d", states, in, told)
		}
	}
}
