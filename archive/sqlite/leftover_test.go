package sqlite

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/read"
	"heapstash/archive/sqlite/repair"
	"heapstash/internal/need"
	"heapstash/schema"
)

// writerProcess names the archive for TestWriterProcess.
const writerProcess = "TEST_WRITER"

// TestWriterProcess is no test by itself: it is a process that writes to an
// archive, says so, and waits to be killed.
func TestWriterProcess(t *testing.T) {
	path := os.Getenv(writerProcess)
	if path == "" {
		t.Skip("started by killWriter")
	}
	number := uint32(ext4)
	if strings.HasSuffix(path, ".nfs.db") {
		number = nfs
	}
	s := openOn(t, path, number)
	podsAt(t, s, 6000, 200)
	podsAt(t, s, 6060, 200)
	if number == nfs {
		tx, err := s.DB.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		// More than the cache holds, so that some of it is in the file.
		for _, statement := range []string{"PRAGMA cache_size = 10", "UPDATE pod_hot SET uptime = uptime + 1", "DELETE FROM metric"} {
			if _, err := tx.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	fmt.Println("written")
	os.Stdin.Read(make([]byte, 1))
}

// killWriter has a process write to the archive, and kills it there.
func killWriter(t *testing.T, path string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestWriterProcess$")
	cmd.Env = append(os.Environ(), writerProcess+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "written\n" {
		t.Errorf("the writer says %q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // by the signal
}

// filesBeside are those of all files of a directory but the lock's, which says
// nothing, and the log's index, which is made anew.
func filesBeside(t *testing.T, directory string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), dbfile.LockSuffix) || strings.HasSuffix(e.Name(), dbfile.WriteAheadLogIndex) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(directory, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(text)
	}
	return files
}

// snapshotOf takes a snapshot of an archive.
func snapshotOf(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "snapshot.db")
	if _, err := TakeSnapshot(t.Context(), path, to, SnapshotOptions{}); err != nil {
		t.Fatal(err)
	}
	return to
}

// written makes an archive of so many passes, each of which opens it.
func written(t *testing.T, path string, number uint32, passes int) {
	t.Helper()
	for i := range passes {
		s := openOn(t, path, number)
		podsAt(t, s, schema.Instant(600*(i+1)), 100)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestForeignLogIsRefused: what a writer that was killed left beside an archive
// is not replayed into another one that has taken its place.
func TestForeignLogIsRefused(t *testing.T) {
	replace := func(t *testing.T, path, by string) {
		t.Helper()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		need.Copy(t, by, path)
	}
	for _, test := range []struct {
		name, file string
		leaves     string // what the killed writer leaves
		swap       func(t *testing.T, path string)
		none       bool // no archive is there any more
	}{
		{"removed", "a.db", dbfile.WriteAheadLog, func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"emptied", "a.db", dbfile.WriteAheadLog, func(t *testing.T, path string) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"removed, with a journal", "a.nfs.db", dbfile.RollbackJournal, func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"its own snapshot", "a.db", dbfile.WriteAheadLog, func(t *testing.T, path string) {
			replace(t, path, snapshotOf(t, path))
		}, false},
		{"an older copy", "a.db", dbfile.WriteAheadLog, func(t *testing.T, path string) {
			older := filepath.Join(t.TempDir(), "a.db")
			written(t, older, ext4, 3)
			replace(t, path, older)
		}, false},
		{"a newer one", "a.db", dbfile.WriteAheadLog, func(t *testing.T, path string) {
			newer := filepath.Join(t.TempDir(), "a.db")
			written(t, newer, ext4, 12)
			replace(t, path, newer)
		}, false},
		{"another one, new", "a.db", dbfile.WriteAheadLog, func(t *testing.T, path string) {
			other := filepath.Join(t.TempDir(), "a.db")
			written(t, other, ext4, 1)
			replace(t, path, other)
		}, false},
		{"a snapshot, with a journal", "a.nfs.db", dbfile.RollbackJournal, func(t *testing.T, path string) {
			older := filepath.Join(t.TempDir(), "a.db")
			written(t, older, nfs, 3)
			replace(t, path, older)
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			directory := t.TempDir()
			path := filepath.Join(directory, test.file)
			number := uint32(ext4)
			if test.leaves == dbfile.RollbackJournal {
				number = nfs
			}
			written(t, path, number, 6)
			killWriter(t, path)
			if info, err := os.Stat(path + test.leaves); err != nil || info.Size() == 0 {
				t.Fatalf("the killed writer leaves no log: %v, %v", info, err)
			}
			test.swap(t, path)
			before := filesBeside(t, directory)

			refused := func(what string, err error) {
				t.Helper()
				switch {
				case err == nil:
					t.Errorf("%s: no error", what)
				case test.none != errors.Is(err, archive.ErrNoArchive):
					t.Errorf("%s: %v", what, err)
				case !strings.Contains(err.Error(), path+test.leaves) || !strings.Contains(schema.HintOf(err), "mv "):
					t.Errorf("%s: %v\nhint: %s", what, err, schema.HintOf(err))
				}
			}
			s, err := Open(t.Context(), path, conn.Options{Disk: on(number)})
			refused("writing", err)
			if err == nil {
				s.Close()
			}
			r, err := conn.OpenReaderOn(t.Context(), path, on(number))
			refused("reading", err)
			if err == nil {
				r.Close()
			}
			_, err = repair.Run(t.Context(), path, filepath.Join(t.TempDir(), "b.db"), repair.Options{Options: conn.Options{Disk: on(number)}})
			refused("repair", err)
			if x, err := read.Examine(t.Context(), path, "default"); err != nil || x.Err == nil {
				t.Errorf("doctor: %+v, %v", x, err)
			}
			after := filesBeside(t, directory)
			for name := range after {
				if before[name] != after[name] {
					t.Errorf("%s has changed", name)
				}
			}

			// What the hint says to do.
			hint := schema.HintOf(err)
			for line := range strings.Lines(hint) {
				if command := strings.TrimSpace(line); strings.HasPrefix(command, "mv ") {
					if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
						t.Fatalf("%s: %v\n%s", command, err, out)
					}
				}
			}
			s, err = Open(t.Context(), path, conn.Options{Disk: on(number)})
			if err != nil {
				t.Fatal(err)
			}
			podsAt(t, s, 9000, 3)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if got := shell(t, path, "PRAGMA integrity_check"); got != "ok" {
				t.Errorf("afterwards: %s", got)
			}
		})
	}
}

// TestOwnLogIsReplayed: what a killed writer left beside its own archive is
// not lost, however the archive came to its mode, and wherever it was moved.
func TestOwnLogIsReplayed(t *testing.T) {
	for _, test := range []struct {
		name   string
		passes []uint32
	}{
		{"new", nil},
		{"once", []uint32{ext4}},
		{"often", []uint32{ext4, ext4, ext4, ext4, ext4}},
		{"converted", []uint32{nfs, nfs}},
		{"converted twice", []uint32{ext4, nfs, ext4, nfs}},
	} {
		for _, file := range []string{"a.db", "a.nfs.db"} {
			t.Run(test.name+" "+file, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), file)
				for i, number := range test.passes {
					s := openOn(t, path, number)
					podsAt(t, s, schema.Instant(600*(i+1)), 100)
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
				}
				killWriter(t, path)
				killWriter(t, path)
				moved := filepath.Join(t.TempDir(), file)
				for _, suffix := range []string{"", dbfile.WriteAheadLog, dbfile.RollbackJournal} {
					if _, err := os.Stat(path + suffix); err == nil {
						need.Copy(t, path+suffix, moved+suffix)
					} else if !errors.Is(err, fs.ErrNotExist) {
						t.Fatal(err)
					}
				}
				for _, path := range []string{moved, path} {
					number := uint32(ext4)
					if strings.HasSuffix(file, ".nfs.db") {
						number = nfs
					} else if r, err := conn.OpenReaderOn(t.Context(), path, on(number)); err != nil {
						t.Errorf("reading: %v", err)
					} else {
						r.Close()
					}
					if err := openOn(t, path, number).Close(); err != nil {
						t.Fatal(err)
					}
					want := fmt.Sprintf("ok\n%d", 400+100*len(test.passes))
					if got := shell(t, path, "PRAGMA integrity_check; SELECT count(*) FROM pod"); got != want {
						t.Errorf("it holds %q, want %q", got, want)
					}
				}
			})
		}
	}
}

// TestLogOfAWriterAtWork: while passes write, and are killed, a reader never
// takes their log for another's.
func TestLogOfAWriterAtWork(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := openOn(t, path, ext4).Close(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		var errs []error
		for i := range 60 {
			s, err := Open(t.Context(), path, conn.Options{Disk: on(ext4)})
			if err != nil {
				errs = append(errs, err)
				break
			}
			for n := range 3 {
				id, err := s.BeginPass(t.Context(), archive.Pass{Cluster: "default"})
				if err == nil {
					_, err = s.Write(t.Context(), archive.Batch{Pass: id, Cluster: "default", Rows: []schema.Row{{
						Entity:   schema.PodEntity("shop", "web"),
						At:       schema.Instant(1 + 3*i + n),
						Readings: []schema.Reading{{Metric: "uptime", Value: schema.Int(1)}},
					}}})
				}
				errs = append(errs, err)
			}
			errs = append(errs, s.Close())
		}
		done <- errors.Join(errs...)
	}()
	for reads := 0; ; reads++ {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			t.Logf("%d reads", reads)
			return
		default:
		}
		r, err := conn.OpenReaderOn(t.Context(), path, on(ext4))
		if err != nil {
			t.Errorf("reading: %v", err)
			continue
		}
		if _, err := conn.Column[int64](t.Context(), r.DB, "SELECT count(*) FROM pod"); err != nil {
			t.Error(err)
		}
		r.Close()
	}
}

// TestHeaderOfALogAlone: a log without a transaction in it is nobody's.
func TestHeaderOfALogAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	written(t, path, ext4, 4)
	killWriter(t, path)
	log, err := os.ReadFile(path + dbfile.WriteAheadLog)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "b.db")
	written(t, other, ext4, 1)
	for _, left := range [][]byte{log[:32], log[:100], bytes.Repeat([]byte{0}, 5000)} {
		if err := os.WriteFile(other+dbfile.WriteAheadLog, left, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := openOn(t, other, ext4).Close(); err != nil {
			t.Errorf("%d bytes: %v", len(left), err)
		}
	}
}
