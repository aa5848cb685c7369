package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/schema"
)

// rewriting is a migration of a heapstash to come: it gives a table another
// shape, and so writes every row of it anew.
var rewriting = conn.Step{Room: 2.2, Script: `
	CREATE TABLE narrow_cold_wider (
		entity_id INTEGER NOT NULL, metric_id INTEGER NOT NULL, ts INTEGER NOT NULL, value NOT NULL, origin,
		PRIMARY KEY (entity_id, metric_id, ts)
	) WITHOUT ROWID;
	INSERT INTO narrow_cold_wider SELECT entity_id, metric_id, ts, value, NULL FROM narrow_cold;
	DROP TABLE narrow_cold;
	ALTER TABLE narrow_cold_wider RENAME TO narrow_cold;
`}

// older makes an archive of this version with a table of about that many
// bytes.
func older(tb testing.TB, bytes int) string {
	tb.Helper()
	steps, err := conn.Migrations()
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "a.db")
	if err := conn.Create(context.Background(), path, dbfile.DefaultMode, steps); err != nil {
		tb.Fatal(err)
	}
	db, err := conn.OpenDB(path, "rw", url.Values{})
	if err != nil {
		tb.Fatal(err)
	}
	const entities, bytesPerRow = 100, 18
	_, err = db.Exec(`
		INSERT INTO metric (name) VALUES ('custom/requests');
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO entity (id, cluster, kind, namespace, pod, container, node, labels, first_seen)
			SELECT i, 'default', 'pod', 'shop', 'web-' || i, '', '', '', 0 FROM n;
		WITH RECURSIVE t (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < ?)
		INSERT INTO narrow_cold (entity_id, metric_id, ts, value)
			SELECT e.id, m.id, 1500000000 + 60 * t.i, e.id * t.i FROM entity e, metric m, t
			WHERE m.name = 'custom/requests'`, entities, bytes/bytesPerRow/entities)
	if err := errors.Join(err, db.Close()); err != nil {
		tb.Fatal(err)
	}
	return path
}

func nextVersion(tb testing.TB, step conn.Step) conn.Options {
	tb.Helper()
	steps, err := conn.Migrations()
	if err != nil {
		tb.Fatal(err)
	}
	return conn.Options{Steps: append(steps, step), ReportEvery: time.Millisecond}
}

// contents are what stock sqlite3 says of the version, the file and the
// samples.
func contents(t *testing.T, path string) string {
	t.Helper()
	return shell(t, path, `PRAGMA user_version; PRAGMA integrity_check;
		SELECT count(*), sum(value), min(ts), max(ts) FROM samples;
		SELECT pod, ts, value FROM samples WHERE metric = 'custom/requests' AND pod IN ('web-1', 'web-100')`)
}

// TestUpgrade: the samples are the same before and after, it is told how far it
// is, and it writes no more than it says.
func TestUpgrade(t *testing.T) {
	for _, number := range []uint32{ext4, nfs} {
		t.Run(dbfile.FileSystemOf(number).Name, func(t *testing.T) {
			path := older(t, 5<<20)
			before := contents(t, path)
			opts := nextVersion(t, rewriting)
			opts.Disk = on(number)
			var reports []conn.Migration
			opts.Migrating = func(m conn.Migration) { reports = append(reports, m) }
			s, err := Open(t.Context(), path, opts)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			version, rest, _ := strings.Cut(before, "\n")
			old, err := strconv.Atoi(version)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := contents(t, path), fmt.Sprintf("%d\n%s", old+1, rest); got != want {
				t.Errorf("before:\n%s\nafter:\n%s", want, got)
			}
			if len(reports) < 3 || reports[0].Written != 0 || !reports[len(reports)-1].Done {
				t.Fatalf("%d reports, the first %+v", len(reports), reports[0])
			}
			last := reports[len(reports)-1]
			if last.From != old || last.To != old+1 || last.Written < 4<<20 || last.Written > last.Most {
				t.Errorf("the last report is %+v", last)
			}
			for _, m := range reports {
				if m.Written > m.Most {
					t.Errorf("%d bytes are written, and %d were to be the most", m.Written, m.Most)
				}
			}
		})
	}
}

// TestUpgradeFails in its last statement: nothing of it stays.
func TestUpgradeFails(t *testing.T) {
	path := older(t, 1<<20)
	before := contents(t, path)
	failing := rewriting
	failing.Script += "INSERT INTO narrow_cold SELECT * FROM narrow_cold LIMIT 1;"
	_, err := Open(t.Context(), path, nextVersion(t, failing))
	if err == nil || !strings.Contains(err.Error(), "migration to format") {
		t.Errorf("got %v", err)
	}
	if after := contents(t, path); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// TestUpgradeWithoutSpace is refused before it begins.
func TestUpgradeWithoutSpace(t *testing.T) {
	path := older(t, 1<<20)
	before := contents(t, path)
	opts := nextVersion(t, rewriting)
	opts.Migrating = func(conn.Migration) { t.Error("it began") }
	opts.Disk = func(string) (dbfile.FileSystem, int64, error) { return dbfile.FileSystemOf(ext4), 17 << 20, nil }
	_, err := Open(t.Context(), path, opts)
	if err == nil || schema.HintOf(err) == "" {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"of free space in " + filepath.Dir(path), "which has 17825792 (17.8 MB)"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	if after := contents(t, path); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

const (
	upgradeProcess = "TEST_UPGRADE"    // names the archive for TestUpgradeProcess
	upgradeDies    = "TEST_UPGRADE_AT" // after how many bytes written
)

// TestUpgradeProcess is no test by itself: it is a process that kills itself in
// the middle of an upgrade.
func TestUpgradeProcess(t *testing.T) {
	path := os.Getenv(upgradeProcess)
	if path == "" {
		t.Skip("started by TestUpgradeIsKilled")
	}
	at, err := strconv.ParseInt(os.Getenv(upgradeDies), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	opts := nextVersion(t, rewriting)
	var dying atomic.Bool
	opts.Migrating = func(m conn.Migration) {
		if !m.Done && m.Written >= at && dying.CompareAndSwap(false, true) {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	if os.Getenv(upgradeDies+"_ON") == "nfs" {
		opts.Disk = on(nfs)
	}
	s, err := Open(t.Context(), path, opts)
	if err == nil {
		s.Close()
	}
	t.Fatalf("lived: %v", err)
}

// TestUpgradeIsKilled: kill -9 in the middle leaves the old version whole, and
// the next upgrade does it.
func TestUpgradeIsKilled(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, number := range []uint32{ext4, nfs} {
		system := dbfile.FileSystemOf(number).Name
		path := older(t, 5<<20)
		before := contents(t, path)
		for _, written := range []int{0, 1 << 20, 5 << 20} {
			cmd := exec.Command(self, "-test.run=^TestUpgradeProcess$")
			cmd.Env = append(os.Environ(), upgradeProcess+"="+path, upgradeDies+"="+strconv.Itoa(written), upgradeDies+"_ON="+system)
			out, err := cmd.CombinedOutput()
			if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				t.Fatalf("%s, after %d bytes: %v\n%s", system, written, err, out)
			}
			if number == nfs && written > 0 {
				// A reader of the old version, which cannot undo it.
				_, err := conn.OpenReader(t.Context(), path)
				if err == nil || !strings.Contains(schema.HintOf(err), "the next pass undoes") {
					t.Errorf("a reader before the next pass: %v", err)
				}
			}
			if after := contents(t, path); after != before {
				t.Fatalf("%s, killed after %d bytes, before:\n%s\nafter:\n%s", system, written, before, after)
			}
		}
		opts := nextVersion(t, rewriting)
		opts.Disk = on(number)
		s, err := Open(t.Context(), path, opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if got := contents(t, path); got[strings.Index(got, "\n"):] != before[strings.Index(before, "\n"):] || got == before {
			t.Errorf("%s, upgraded: %s", system, got)
		}
	}
}

// BenchmarkUpgrade rewrites all of an archive of 200 MB.
func BenchmarkUpgrade(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		path := older(b, 200<<20)
		size, err := dbfile.SizeOf(path)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(size)
		opts := nextVersion(b, rewriting)
		opts.ReportEvery = 10 * time.Millisecond
		var last conn.Migration
		opts.Migrating = func(m conn.Migration) {
			m.Written = max(m.Written, last.Written)
			last = m
		}
		b.StartTimer()
		s, err := Open(context.Background(), path, opts)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(last.Written)/float64(size), "written/size")
		b.ReportMetric(float64(last.Most)/float64(size), "stated/size")
	}
}
