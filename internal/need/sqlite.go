package need

import (
	"os/exec"
	"testing"
)

// SQLite returns what stock sqlite3 prints for a statement on a database. The test
// is left out where sqlite3 is not installed.
func SQLite(tb testing.TB, path, statement string) string {
	tb.Helper()
	out, err := exec.Command(Program(tb, "sqlite3"), "-readonly", path, statement).CombinedOutput()
	if err != nil {
		tb.Fatalf("%v: %s", err, out)
	}
	return string(out)
}
