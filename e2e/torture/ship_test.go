package torture

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"heapstash/e2e/oracle"
)

// lakeOf returns the lake beside an archive.
func lakeOf(archive string) string { return filepath.Join(filepath.Dir(archive), "lake") }

// shipped returns the samples in the lake of an archive.
func (w *world) shipped(archive string) []string {
	w.Helper()
	metrics := make(map[string]string)
	for line := range strings.Lines(w.sql(archive, "SELECT replace(name, '/', '_'), name FROM metrics")) {
		column, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		metrics[column] = name
	}
	lines, err := oracle.Lake(lakeOf(archive), metrics)
	if err != nil {
		w.Fatal(err)
	}
	return lines
}

// ship prunes the first of two days, which go to the lake.
func ship(w *world) *operation {
	archive := w.file("before")
	if err := os.Mkdir(lakeOf(archive), 0o755); err != nil {
		w.Fatal(err)
	}
	w.at = noon.Add(30 * time.Minute)
	w.history(archive, 12) // up to 12:54
	w.at = noon.Add(27 * time.Hour)
	w.feed(2, 2*time.Minute)
	w.oracle.Pass()
	w.must(w.collect(archive, "--partial-ok"))
	before := oracle.Rounded(w.samples(archive))
	midnight := fmt.Sprint(noon.Add(12 * time.Hour).Unix())
	op := &operation{world: w, archive: archive, command: func(archive string) *exec.Cmd {
		cmd := w.command("prune", "--db-file", archive)
		cmd.Env = append(cmd.Env, "HEAPSTASH_ARCHIVE_RETENTION_RAW=2h", "HEAPSTASH_ARCHIVE_LAKE="+lakeOf(archive))
		return cmd
	}}
	op.examine = func(w *world, archive string) (string, bool) {
		w.Helper()
		held, shipped := oracle.Rounded(w.samples(archive)), w.shipped(archive)
		for i, line := range shipped {
			if i > 0 && shipped[i-1] == line {
				w.Fatalf("it is twice in the lake: %s", line)
			}
		}
		gone, extra := oracle.Difference(before, held)
		absent, foreign := oracle.Difference(before, shipped)
		if len(extra)+len(foreign) > 0 {
			w.Fatalf("new samples: %s\n%s", oracle.First(extra), oracle.First(foreign))
		}
		// A day of a kind, and of a labelled family, is whole in the archive or in the lake.
		day := func(line string) string {
			columns := strings.Split(line, "\t")
			if columns[tsColumn] >= midnight {
				return "young"
			}
			prefix, _, _ := strings.Cut(columns[metricColumn], "/")
			return columns[kindColumn] + " " + prefix + " " + columns[labelsColumn]
		}
		pruned := make(map[string]string)
		for _, line := range gone {
			pruned[day(line)] = line
		}
		if line := pruned["young"]; line != "" {
			w.Fatalf("a young sample is gone: %s", line)
		}
		for _, line := range absent {
			if other := pruned[day(line)]; other != "" {
				w.Fatalf("the day is whole neither in the archive nor in the lake: %s is gone, and the lake lacks %s", other, line)
			}
		}
		old := 0
		for _, line := range held {
			if day(line) != "young" {
				old++
			}
		}
		switch {
		case old == 0:
			return "all shipped", true
		case len(gone) > 0:
			return "some shipped", false
		case len(shipped) > 0:
			return "some in both", false
		}
		return "nothing shipped", false
	}
	op.cells = func(w *world, archive string) []string {
		for _, file := range []string{"*", "*/*", "*/*/*", "*/*/*/.*"} {
			left, err := filepath.Glob(filepath.Join(lakeOf(archive), file))
			for _, path := range left {
				if err != nil || strings.HasSuffix(path, ".draft") {
					w.Errorf("%s is left, %v", path, err)
				}
			}
		}
		return append(w.cells(archive), w.shipped(archive)...)
	}
	op.calls = []string{"mkdirat", "write", "renameat"}
	return op.rehearse()
}
