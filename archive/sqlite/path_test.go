package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/read"
	"heapstash/schema"
)

// TestPathsToOneArchiveShareItsLock: through a link to the file, or to its
// directory, it is the same archive.
func TestPathsToOneArchiveShareItsLock(t *testing.T) {
	real := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(real, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(real, "a.db")
	s := openOn(t, path, ext4)
	podsAt(t, s, 1, 1)

	links := t.TempDir()
	toFile, toDirectory := filepath.Join(links, "b.db"), filepath.Join(links, "data")
	if err := errors.Join(os.Symlink(path, toFile), os.Symlink(real, toDirectory)); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{toFile, filepath.Join(toDirectory, "a.db")} {
		if _, err := Open(t.Context(), other, conn.Options{}); !errors.Is(err, archive.ErrLocked) || !strings.Contains(err.Error(), other) {
			t.Errorf("%s: %v", other, err)
		}
		if x, err := read.Examine(t.Context(), other, "default"); err != nil || !x.Locked {
			t.Errorf("%s: %+v, %v", other, x, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openOn(t, toFile, ext4).Close(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(links)
	if err != nil || len(left) != 2 {
		t.Errorf("beside the links: %v, %v", left, err)
	}
}

// TestLinkToNothing: what the link should lead to may be on a disk that is not
// mounted, and no archive is made in its stead.
func TestLinkToNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := os.Symlink("elsewhere.db", path); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path, conn.Options{})
	if !errors.Is(err, archive.ErrNoArchive) || !strings.Contains(err.Error(), "link to elsewhere.db") || schema.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestWaitingForTheLockOfAnArchiveThatIsMade: whoever waits while another one
// makes the archive finds it, and does not make it again.
func TestWaitingForTheLockOfAnArchiveThatIsMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	lock, err := dbfile.TakeLock(t.Context(), path, path, 0, dbfile.DefaultMode, dbfile.DiskOf)
	if err != nil {
		t.Fatal(err)
	}
	waits, opened := make(chan struct{}), make(chan error)
	var second *Store
	go func() {
		var err error
		second, err = Open(t.Context(), path, conn.Options{LockWait: 1 << 40, Waiting: func() { close(waits) }})
		opened <- err
	}()
	<-waits
	if err := conn.Create(t.Context(), path, dbfile.DefaultMode, known(t)); err != nil {
		t.Fatal(err)
	}
	first := shell(t, path, "SELECT value FROM setting WHERE name = 'archive_id'")
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if second.ID() != first {
		t.Errorf("the archive %s became %s", first, second.ID())
	}
}

// TestExpectedArchive: none is made, and none other is taken, where a certain
// one was before.
func TestExpectedArchive(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, "a.db")
	s := openOn(t, path, ext4)
	expected := conn.Options{Expect: s.ID()}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(t.Context(), path, expected); err != nil {
		t.Errorf("itself: %v", err)
	} else if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(directory); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, expected); !errors.Is(err, archive.ErrNoArchive) || schema.HintOf(err) == "" {
		t.Errorf("none: %v", err)
	}
	if left, err := os.ReadDir(directory); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := openOn(t, path, ext4).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, expected); !errors.Is(err, archive.ErrOtherArchive) || schema.HintOf(err) == "" {
		t.Errorf("another: %v", err)
	}
}

// TestArchiveIsTakenAwayInAPass: what is written to a file that has no name
// any more is not called stored.
func TestArchiveIsTakenAwayInAPass(t *testing.T) {
	for name, test := range map[string]struct {
		take func(path string) error
		want error
	}{
		"removed":  {os.Remove, archive.ErrNoArchive},
		"replaced": {func(path string) error { return os.Rename(path+".other", path) }, archive.ErrOtherArchive},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			if err := conn.Create(t.Context(), path+".other", dbfile.DefaultMode, known(t)); err != nil {
				t.Fatal(err)
			}
			s := openOn(t, path, ext4)
			defer s.Close()
			podsAt(t, s, 1, 1)
			if err := test.take(path); err != nil {
				t.Fatal(err)
			}
			_, err := s.Write(t.Context(), archive.Batch{Pass: 1, Cluster: "default"})
			if !errors.Is(err, test.want) || schema.HintOf(err) == "" {
				t.Errorf("write: %v", err)
			}
			if err := s.EndPass(t.Context(), archive.Pass{ID: 1}, nil); err != nil {
				t.Errorf("said twice: %v", err)
			}
		})
	}
}
