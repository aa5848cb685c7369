package sqlite_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/read"
	"heapstash/schema"
)

func examine(t *testing.T, path string) read.Examination {
	t.Helper()
	x, err := read.Examine(t.Context(), path, "default")
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// pass makes a line in the ledger.
func pass(t *testing.T, s *sqlite.Store, cluster string, started time.Time, outcome archive.Outcome) {
	t.Helper()
	p := archive.Pass{Cluster: cluster, Started: started, Finished: started.Add(2 * time.Second), Outcome: outcome}
	var err error
	if p.ID, err = s.BeginPass(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := s.EndPass(t.Context(), p, nil); err != nil {
		t.Fatal(err)
	}
}

func TestExamineWhereNothingIs(t *testing.T) {
	path := newPath(t)
	x := examine(t, path)
	if x.Exists || x.Err != nil || x.Unwritable != nil || x.Locked || x.LastPass != nil {
		t.Errorf("got %+v", x)
	}
	if x.Directory != filepath.Dir(path) || x.Free <= 0 || x.FileSystem.Name == "" {
		t.Errorf("got the place %q, %v, %d", x.Directory, x.FileSystem, x.Free)
	}
	if left, err := os.ReadDir(x.Directory); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	x = examine(t, filepath.Join(t.TempDir(), "missing", "a.db"))
	if x.Exists || !errors.Is(x.Unwritable, fs.ErrNotExist) || x.Free >= 0 {
		t.Errorf("in a missing directory: %+v", x)
	}
}

func TestExamineAnArchive(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	begin := time.Unix(1506496140, 0)
	pass(t, s, "default", begin, archive.OutcomeComplete)
	pass(t, s, "default", begin.Add(12*time.Hour), archive.OutcomePartial)
	pass(t, s, "other", begin.Add(48*time.Hour), archive.OutcomeFailed)

	x := examine(t, path)
	if !x.Exists || x.Err != nil || x.Unwritable != nil || x.Version != x.Newest || x.Bytes == 0 {
		t.Errorf("got %+v", x)
	}
	if !x.Locked {
		t.Error("a writer has it, and it is not locked")
	}
	if x.LastPass == nil || x.LastPass.ID != 2 || x.LastPass.Outcome != archive.OutcomePartial {
		t.Errorf("got the last pass %+v", x.LastPass)
	}
	if x.Growth != nil {
		t.Errorf("without a sample, it takes %+v", x.Growth)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if x = examine(t, path); x.Locked {
		t.Error("nobody has it, and it is locked")
	}
	if err := open(t, path).Close(); err != nil {
		t.Errorf("locked out after it was examined: %v", err)
	}

	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if x = examine(t, link); x.Directory != filepath.Dir(path) || x.Err != nil {
		t.Errorf("by a link: %+v", x)
	}
}

// TestExamineTellsGrowth: the doctor and status have it from one source.
func TestExamineTellsGrowth(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	at := schema.Instant(1506496140)
	for _, at := range []schema.Instant{at, at.Add(12 * time.Hour)} {
		write(t, s, schema.Row{Entity: schema.PodEntity("shop", "web-0"), At: at, Readings: []schema.Reading{{Metric: "memory/usage", Value: schema.Int(7)}}})
	}
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	status, err := r.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, known := status.Growth()
	if got := examine(t, path).Growth; !known || got == nil || *got != want {
		t.Errorf("got %+v, and status has %+v (%t)", got, want, known)
	}
}

func TestExamineWhatIsNoArchive(t *testing.T) {
	path := newPath(t)
	if err := os.WriteFile(path, []byte("notes"), 0o600); err != nil {
		t.Fatal(err)
	}
	x := examine(t, path)
	if !x.Exists || !errors.Is(x.Err, archive.ErrNotArchive) || x.LastPass != nil {
		t.Errorf("got %+v", x)
	}
}

func TestExamineIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := newPath(t)
	open(t, path)
	if _, err := read.Examine(ctx, path, "default"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
