package sqlite

import (
	"path/filepath"
	"testing"

	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/upkeep"
)

// Unfinished upkeep releases the lock for a waiting pass, and continues after it.
func TestUpkeepLetsPassesIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s, err := Open(t.Context(), path, conn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	began, passed, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	calls := 0
	go func() {
		ended <- upkeep.Interleave(t.Context(), path, conn.Options{}, func(*conn.Writer, *upkeep.Budget) (bool, error) {
			if calls++; calls == 1 {
				close(began)
			}
			select {
			case <-passed:
				return true, nil
			default:
				return false, nil
			}
		})
	}()
	<-began
	s, err = Open(t.Context(), path, conn.Options{LockWait: 4 * upkeep.LockTime})
	if err != nil {
		t.Errorf("the pass does not get in: %v", err)
	} else if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	close(passed)
	if err := <-ended; err != nil || calls < 2 {
		t.Errorf("upkeep ended with %v after %d calls", err, calls)
	}
}
