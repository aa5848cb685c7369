package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/internal/need"
	"heapstash/schema"
)

// on is a disk of that kind.
func on(number uint32) dbfile.Disk {
	return func(directory string) (dbfile.FileSystem, int64, error) {
		_, free, err := dbfile.DiskOf(directory)
		return dbfile.FileSystemOf(number), free, err
	}
}

const (
	nfs  = 0x6969
	ext4 = 0xef53
)

func openOn(t *testing.T, path string, number uint32) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, conn.Options{Disk: on(number)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// podsAt writes a row of each of the pods at that time.
func podsAt(t *testing.T, s *Store, at schema.Instant, pods int) {
	t.Helper()
	id, err := s.BeginPass(t.Context(), archive.Pass{Cluster: "default"})
	if err != nil {
		t.Fatal(err)
	}
	b := archive.Batch{Pass: id, Cluster: "default"}
	for i := range pods {
		b.Rows = append(b.Rows, schema.Row{
			Entity:   schema.PodEntity("shop", fmt.Sprintf("web-%d", i)),
			At:       at,
			Readings: []schema.Reading{{Metric: "uptime", Value: schema.Int(int64(at) * 1000)}},
		})
	}
	if _, err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// shell runs a statement in stock sqlite3.
func shell(t *testing.T, path, statement string) string {
	t.Helper()
	out, err := exec.Command(need.Program(t, "sqlite3"), "-cmd", ".timeout 30000", path, statement).CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestJournalFollowsTheFileSystem: an archive has a write-ahead log where that
// works and a rollback journal elsewhere, whatever it had before, and what is
// in a log that was left behind is not lost.
func TestJournalFollowsTheFileSystem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	check := func(wantMode string, wantWarning bool, wantRows string) {
		t.Helper()
		if got := shell(t, path, "PRAGMA journal_mode; SELECT group_concat(ts) FROM pod"); got != wantMode+"\n"+wantRows {
			t.Errorf("got %q, want %q", got, wantMode+"\n"+wantRows)
		}
		h, err := dbfile.ReadHeader(path, len(known(t)))
		if err != nil || h.WriteAhead != (wantMode == "wal") {
			t.Errorf("header %+v, %v", h, err)
		}
		for _, suffix := range []string{"-wal", "-shm"} {
			if _, err := os.Stat(path + suffix); wantMode != "wal" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is there: %v", suffix, err)
			}
		}
	}
	use := func(number uint32, at schema.Instant) {
		t.Helper()
		s := openOn(t, path, number)
		defer s.Close()
		podsAt(t, s, at, 1)
		if warned := s.Warning() != ""; warned == s.System.WriteAhead() {
			t.Errorf("on %s the warning is %q", s.System.Name, s.Warning())
		}
	}
	use(nfs, 1)
	check("delete", true, "1")
	use(ext4, 2)
	check("wal", false, "1,2")
	use(nfs, 3)
	check("delete", true, "1,2,3")

	// A machine that lost power in WAL mode, and its disk on another one.
	s := openOn(t, path, ext4)
	podsAt(t, s, 4, 1)
	crashed := filepath.Join(t.TempDir(), "a.db")
	need.Copy(t, path, crashed)
	need.Copy(t, path+"-wal", crashed+"-wal")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path = crashed
	use(nfs, 5)
	check("delete", true, "1,2,3,4,5")
}

// TestConversionOfWhatIsRead: a log on a network file system is an error as
// long as somebody reads it; a journal on a local one may stay a while.
func TestConversionOfWhatIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	reading := func(then func()) {
		t.Helper()
		r, err := conn.OpenReader(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		rows, err := r.Query(t.Context(), "SELECT name FROM metric")
		if err != nil || !rows.Next() {
			t.Fatal(err)
		}
		defer rows.Close()
		then()
	}
	if err := openOn(t, path, ext4).Close(); err != nil {
		t.Fatal(err)
	}
	reading(func() {
		_, err := Open(t.Context(), path, conn.Options{Disk: on(nfs)})
		if err == nil || !strings.Contains(err.Error(), "does not work on nfs, and is in use") || schema.HintOf(err) == "" {
			t.Errorf("got %v", err)
		}
	})
	if err := openOn(t, path, nfs).Close(); err != nil {
		t.Fatal(err)
	}
	reading(func() {
		s := openOn(t, path, ext4)
		defer s.Close()
	})
	if got := shell(t, path, "PRAGMA journal_mode"); got != "delete" {
		t.Errorf("it has the mode %s", got)
	}
	if err := openOn(t, path, ext4).Close(); err != nil {
		t.Fatal(err)
	}
	if got := shell(t, path, "PRAGMA journal_mode"); got != "wal" {
		t.Errorf("it has the mode %s once nobody reads", got)
	}
}

// TestReaderLeavesANetworkLogAlone: reading would need what does not work.
func TestReaderLeavesANetworkLogAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := openOn(t, path, ext4).Close(); err != nil {
		t.Fatal(err)
	}
	_, err := conn.OpenReaderOn(t.Context(), path, on(nfs))
	if err == nil || !strings.Contains(err.Error(), "does not work on a file system of the kind nfs") || !strings.Contains(schema.HintOf(err), "PRAGMA") {
		t.Fatalf("got %v", err)
	}
	// The mend that it names.
	_, script, _ := strings.Cut(schema.HintOf(err), `sqlite3 FILE "`)
	shell(t, path, strings.TrimSuffix(script, `"`))
	r, err := conn.OpenReaderOn(t.Context(), path, on(nfs))
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
}

// readerProcess names the archive for TestReaderProcess.
const readerProcess = "TEST_READER"

// TestReaderProcess is no test by itself: it is a process that reads until its
// stdin ends, and says how often.
func TestReaderProcess(t *testing.T) {
	path := os.Getenv(readerProcess)
	if path == "" {
		t.Skip("started by TestReadersBesideARollbackJournal")
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		os.Stdin.Read(make([]byte, 1))
		cancel()
	}()
	for reads := 0; ; reads++ {
		if ctx.Err() != nil && reads > 0 {
			t.Logf("%d reads", reads)
			return
		}
		r, err := conn.OpenReader(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		torn, err := conn.Column[int64](t.Context(), r.DB, "SELECT ts FROM pod GROUP BY ts HAVING count(*) <> 50")
		if err := errors.Join(err, r.Close()); err != nil || len(torn) > 0 {
			t.Fatalf("half of the batches %d; %v", torn, err)
		}
	}
}

// TestReadersBesideARollbackJournal: passes and readers wait for one another,
// and none of them fails or sees half a batch.
func TestReadersBesideARollbackJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := openOn(t, path, nfs)
	defer s.Close()
	podsAt(t, s, 600, 50)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stop []func() error
	for range 3 {
		cmd := exec.Command(self, "-test.run=^TestReaderProcess$", "-test.v")
		cmd.Env = append(os.Environ(), readerProcess+"="+path)
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stop = append(stop, func() error {
			err := errors.Join(stdin.Close(), cmd.Wait())
			if err != nil {
				err = fmt.Errorf("%w\n%s", err, out.String())
			}
			return err
		})
	}
	for i := 2; i < 100; i++ {
		at := schema.Instant(i * 600)
		podsAt(t, s, at, 50)
		if i%20 == 0 {
			if moved, err := upkeep.CompactSome(t.Context(), s.Writer, at); err != nil || moved == 0 {
				t.Errorf("compaction: %d rows, %v", moved, err)
			}
			if got := shell(t, path, "SELECT count(*) FROM pod"); got != strconv.Itoa(50*i) {
				t.Errorf("stock sqlite3 sees %s rows of %d batches", got, i)
			}
		}
	}
	for _, end := range stop {
		if err := end(); err != nil {
			t.Error(err)
		}
	}
}
