package need

import (
	"os"
	"testing"
)

// Directory returns a temporary directory that every user can read. (t.TempDir is the
// owner's alone.)
func Directory(tb testing.TB) string {
	tb.Helper()
	directory, err := os.MkdirTemp("", "heapstash-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(directory) })
	if err := os.Chmod(directory, 0o755); err != nil {
		tb.Fatal(err)
	}
	return directory
}

// Copy copies a file, which may be in use: the copy is as a crash leaves it.
func Copy(tb testing.TB, from, to string) {
	tb.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
}
