package archive

import (
	"path/filepath"
	"testing"
)

// Upkeep that is far from done gives the archive to a pass that waits, and goes
// on when the pass has ended.
func TestUpkeepLetsPassesIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	began, passed, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	turns := 0
	go func() {
		ended <- inTurns(t.Context(), path, Options{}, func(*Writer, *turn) (bool, error) {
			if turns++; turns == 1 {
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
	s, err = Open(t.Context(), path, Options{LockWait: 4 * UpkeepTurn})
	if err != nil {
		t.Errorf("the pass does not get in: %v", err)
	} else if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	close(passed)
	if err := <-ended; err != nil || turns < 2 {
		t.Errorf("upkeep ended with %v after %d turns", err, turns)
	}
}
