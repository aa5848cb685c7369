package torture

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"heapstash/e2e/rig"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// released is an archive of the first version, with rows in every table. It has holes,
// so passes into it take --partial-ok.
const released = "../../archive/sqlite/testdata/versions/v1.db.gz"

// enlarge adds rows to the table that the trial's migration rewrites: some minutes
// for each entity, from 2011 on. It also adds watermarks of the labelled series,
// which that archive lacks.
const enlarge = `
	PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
	INSERT INTO narrow_cold (entity_id, metric_id, ts, value)
	WITH RECURSIVE t (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM t WHERE i + 1 < %d)
	SELECT e.id, m.id, 1300000000 + 60 * t.i, e.id * t.i FROM entity e CROSS JOIN metric m CROSS JOIN t WHERE m.name = 'custom/queue';
	INSERT OR IGNORE INTO rollup_due (level, ts, table_name, entity_id)
		SELECT DISTINCT 'hourly', ts - ts %% 3600, 'narrow', entity_id FROM narrow_cold WHERE ts < 1500000000;
	INSERT INTO watermark SELECT DISTINCT cluster, kind, CASE WHEN kind IN ('node', 'system_container') THEN node ELSE namespace END, 'labelled', 1506513600
		FROM entity WHERE labels <> '';
	PRAGMA journal_mode = WAL`

// older unpacks the released archive and enlarges it. The world's heapstash becomes
// the trial, which migrates it. The next batch comes after the archive's last.
func (w *world) older(minutes int) (archive string) {
	w.Helper()
	w.at = noon.Add(24 * time.Hour)
	var err error
	if w.program, err = trial(); err != nil {
		w.Fatal(err)
	}
	packed, err := os.Open(released)
	if err != nil {
		w.Fatal(err)
	}
	defer packed.Close()
	plain, err := gzip.NewReader(packed)
	if err != nil {
		w.Fatal(err)
	}
	archive = w.file("before")
	into, err := os.Create(archive)
	if err != nil {
		w.Fatal(err)
	}
	if _, err := io.Copy(into, plain); err != nil {
		w.Fatal(err)
	}
	if err := into.Close(); err != nil {
		w.Fatal(err)
	}
	if _, err := rig.Shell(w.Context(), archive, fmt.Sprintf(enlarge, minutes)); err != nil {
		w.Fatal(err)
	}
	return archive
}

// upgrade is a pass that migrates an archive of the first version to one more than
// the newest: through all migrations and one that rewrites a table.
func upgrade(w *world) *operation {
	archive := w.older(200)
	w.must(exec.Command(heapstash, "compact", "--db-file", archive)) // so that a pass has no rollups left to make
	w.feed(3, time.Minute)
	before := w.samples(archive)
	w.oracle.Pass()
	after := slices.Sorted(slices.Values(append(w.oracle.Samples(), before...)))
	version := func(w *world, archive string) string {
		return w.sql(archive, "PRAGMA user_version")
	}
	old, passed := version(w, archive), ""
	op := &operation{world: w, archive: archive, command: func(archive string) *exec.Cmd {
		return w.collect(archive, "--accept-new-nodes", "--partial-ok")
	}}
	op.examine = func(w *world, archive string) (string, bool) {
		w.Helper()
		stages, all := w.stages(archive, before, after)
		found := version(w, archive)
		if passed == "" { // the rehearsal
			passed = found
		}
		switch {
		case found == old && stages > 0:
			w.Fatalf("a pass wrote to an archive of version %s", found)
		case found != old && found != passed:
			w.Fatalf("version %s, neither the old %s nor the new %s", found, old, passed)
		}
		return fmt.Sprintf("version %s, %d stages", found, stages), all && found != old
	}
	return op.rehearse()
}

// TestDiskUpgrade: a migration refuses to begin with less free space than it states,
// and works with just as much.
func TestDiskUpgrade(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	op := upgrade(w)
	disk := w.mount("tmpfs", "size=32m")
	stated := 0
	for _, left := range []func() int{
		func() int { return 0 },
		func() int { return stated / 2 },
		func() int { return stated - 64<<10 },
		func() int { return stated + 64<<10 },
	} {
		archive := w.onto(disk, op.archive)
		left := left()
		ballast := w.fill(disk, left)
		e := w.run(op.command(archive))
		if left > stated {
			if state, done := op.examineCopy(w, archive); e.Code != 0 || !done {
				w.Errorf("with %d bytes, and %d are needed: exit code %d, %s\n%s", left, stated, e.Code, state, e.Stderr)
			}
		} else {
			w.blames(e, "make room there")
			if state, _ := op.examineCopy(w, archive); state != "version 1, 0 stages" {
				w.Errorf("after the refusal, the archive is %s", state)
			}
			match := regexp.MustCompile(`needs (\d+) bytes`).FindStringSubmatch(e.Stderr)
			if match == nil {
				w.Fatalf("the message has no number of bytes: %s", e.Stderr)
			}
			stated, _ = strconv.Atoi(match[1]) // digits
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		op.repeat(w, archive)
	}
	w.Logf("it needs %d bytes", stated)
}

// TestUpkeepMigrates: compact and prune report a migration as a pass does. They may
// be the first command of a new heapstash.
func TestUpkeepMigrates(t *testing.T) {
	for name, arguments := range map[string][]string{"compact": {"compact"}, "prune": {"prune"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			archive := w.older(10)
			cmd := w.command(append(arguments, "--db-file", archive)...)
			cmd.Env = append(cmd.Env, "HEAPSTASH_ARCHIVE_RETENTION_RAW=2h")
			reports := w.reports(w.must(cmd).Stderr)
			if len(reports) < 2 || reports[0].Took != 0 || reports[len(reports)-1].Message != "the archive is migrated" {
				t.Errorf("the reports are %+v", reports)
			}
		})
	}
}

// report is a line of the log about a migration.
type report struct {
	Message string        `json:"msg"`
	Written *int64        `json:"written"` // bytes, as the next
	AtMost  int64         `json:"at_most"`
	Took    time.Duration `json:"took"`
}

// reports returns the reports of a log.
func (w *world) reports(log string) (reports []report) {
	w.Helper()
	for line := range strings.Lines(log) {
		var r report
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			w.Fatalf("%v in %s", err, line)
		}
		if r.Written != nil {
			reports = append(reports, r)
		}
	}
	return reports
}

// The size of an archive whose migration takes some time, in bytes; the minutes that
// make it so large; and the free space that the test needs in TMPDIR.
const (
	gigabyte        = 1e9
	gigabyteMinutes = 2_300_000
	gigabyteNeeds   = 5e9
)

// TestUpgradeOfAGigabyte: a migration reports its progress, and never takes more space
// than it states in the beginning. The test needs 5 GB in TMPDIR.
func TestUpgradeOfAGigabyte(t *testing.T) {
	if testing.Short() {
		t.Skip("needs 5 GB in TMPDIR and some minutes, which -short leaves out")
	}
	w := newWorld(t)
	var stat unix.Statfs_t
	if err := unix.Statfs(w.dir, &stat); err != nil || stat.Bavail*uint64(stat.Bsize) < gigabyteNeeds {
		t.Fatalf("%d bytes are free in TMPDIR, and %.0f are needed: %v", stat.Bavail*uint64(stat.Bsize), float64(gigabyteNeeds), err)
	}
	archive := w.older(gigabyteMinutes)
	dir := filepath.Dir(archive)
	const rows = "SELECT count(*), sum(value), sum(ts), sum(entity_id) FROM narrow_cold"
	before, size := w.sql(archive, rows), takenIn(dir, 0)
	if size < 0.9*gigabyte {
		t.Fatalf("the archive has %d bytes", size)
	}
	w.feed(3, time.Minute)
	cmd := w.collect(archive, "--accept-new-nodes", "--partial-ok", "--log-level", "info", "--log-format", "json")
	cmd.Env = append(cmd.Env, "TMPDIR="+dir) // the last one counts
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	most := size
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for running := true; running; {
		select {
		case <-ticker.C:
			most = max(most, takenIn(dir, cmd.Process.Pid))
		case err := <-ended:
			if running = false; err != nil {
				t.Fatalf("%v\n%s", err, &stderr)
			}
		}
	}
	reports := w.reports(stderr.String())
	if len(reports) < 2 {
		t.Fatalf("the log has %d reports:\n%s", len(reports), &stderr)
	}
	last := reports[len(reports)-1]
	if between := len(reports) - 2; between < 1 || between < int(last.Took/(10*time.Second)) {
		t.Errorf("%d reports in %v", between, last.Took)
	}
	stated := reports[0].AtMost
	for _, r := range reports {
		if r.AtMost != stated || *r.Written > stated {
			t.Errorf("%d bytes are written, at most %d, of %d", *r.Written, r.AtMost, stated)
		}
	}
	if used := most - size; used > stated || used < size {
		t.Errorf("it took up to %d bytes beside the archive's %d, and was to write all of it and take no more than %d", used, size, stated)
	}
	if after := w.sql(archive, rows); after != before {
		t.Errorf("rows before: %s, after: %s", before, after)
	}
	if got := w.sql(archive, "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("integrity_check: %s", got)
	}
	t.Logf("%d MB: %d reports in %v; it states %d MB of free space and took %d", size/1e6, len(reports), last.Took, stated/1e6, (most-size)/1e6)
}

// takenIn returns the disk space of the files in a directory, including files without
// a name that a process has open.
func takenIn(dir string, pid int) (bytes int64) {
	add := func(path string, nameless bool) {
		var stat unix.Stat_t
		if unix.Stat(path, &stat) == nil && stat.Mode&unix.S_IFMT == unix.S_IFREG && (stat.Nlink == 0) == nameless {
			bytes += stat.Blocks * 512
		}
	}
	named, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, path := range named {
		add(path, false)
	}
	open, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, path := range open {
		add(path, true)
	}
	return bytes
}
