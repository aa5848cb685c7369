// Package docs runs the SQL and the examples of the project's documents, and of its
// files for other tools, on an archive.
package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heapstash/e2e/history"
	"heapstash/e2e/rig"
	"heapstash/schema"
)

// root is the root directory of the repository.
const root = "../.."

// example is the archive of the cookbook.
var example string

// end is the midnight that 'now' stands for in the documents' outputs.
var end = time.Date(2018, 7, 1, 0, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "heapstash-docs")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		example = filepath.Join(dir, "example.db")
		return m.Run()
	}())
}

// then replaces 'now' in a statement by the end of the archive.
func then(statement string) string {
	return strings.ReplaceAll(statement, "'now'", "'"+end.Format(time.DateOnly)+"'")
}

// archived returns the path of the cookbook's archive. The first call makes it.
func archived(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(example); err == nil {
		return example
	}
	o := history.Options{Seed: 48, End: schema.InstantOf(end), Days: 42, RawDays: 2, Pods: 21, Namespaces: 4, Nodes: 3}
	if err := history.Make(t.Context(), example, o); err != nil {
		t.Fatal(err)
	}
	return example
}

// shell runs statements in the stock shell. NULL is empty.
func shell(t *testing.T, statements string, flags ...string) string {
	t.Helper()
	return rig.SQL(t, archived(t), statements, append([]string{"-list", "-nullvalue", ""}, flags...)...)
}
