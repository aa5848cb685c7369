package torture

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"heapstash/e2e/oracle"
	"heapstash/e2e/rig"
	"heapstash/heapster/heapstertest"
)

// census counts an archive's samples by batch and stage.
const census = `SELECT CASE WHEN labels IS NOT NULL OR kind LIKE '%container' THEN '3 last' WHEN kind = 'pod' THEN '2 pod' ELSE '1 first' END AS stage,
	ts, count(*) AS samples FROM samples GROUP BY stage, ts ORDER BY ts, stage`

// expected has the samples that a census may find, by stage and time. Passes add to it
// while readers check.
type expected struct {
	sync.Mutex
	samples map[string]int // by stage and ts, tab between
}

// learn replaces the expected samples by the oracle's.
func (x *expected) learn(samples []string) {
	x.Lock()
	defer x.Unlock()
	x.samples = make(map[string]int)
	for _, sample := range samples {
		_, stage := scopeOf(sample)
		name := map[string]string{"first": "1 first", "pod": "2 pod", "last": "3 last"}[stage]
		x.samples[name+"\t"+strings.Split(sample, "\t")[tsColumn]]++
	}
}

// newest returns the time of the newest batch.
func (x *expected) newest() string {
	x.Lock()
	defer x.Unlock()
	newest := ""
	for part := range x.samples {
		newest = max(newest, strings.Split(part, "\t")[1])
	}
	return newest
}

// check checks a census that was taken after the pass over the batch of that time
// began: every part is whole, there is no gap in their order, and older batches are
// complete.
func (x *expected) check(census, since string) error {
	found := make(map[string]string)
	for _, line := range oracle.Lines(census) {
		i := strings.LastIndex(line, "\t")
		found[line[:i]] = line[i+1:]
	}
	x.Lock()
	defer x.Unlock()
	parts := slices.SortedFunc(maps.Keys(x.samples), func(a, b string) int {
		stageA, tsA, _ := strings.Cut(a, "\t")
		stageB, tsB, _ := strings.Cut(b, "\t")
		return cmp.Or(strings.Compare(tsA, tsB), strings.Compare(stageA, stageB))
	})
	missing := ""
	for _, part := range parts {
		switch _, ts, _ := strings.Cut(part, "\t"); {
		case found[part] == "" && ts < since:
			return fmt.Errorf("nothing of %q, which was complete before %s", part, since)
		case found[part] == "":
			missing = cmp.Or(missing, part)
		case missing != "":
			return fmt.Errorf("there is %q, and not %q, which was stored before", part, missing)
		case found[part] != fmt.Sprint(x.samples[part]):
			return fmt.Errorf("%s samples of %q, which has %d", found[part], part, x.samples[part])
		}
		delete(found, part)
	}
	if len(found) > 0 {
		return fmt.Errorf("the archive has %v, which was not fed", found)
	}
	return nil
}

// TestReaders: readers with short and long statements never make a pass fail, and see
// whole transactions only.
func TestReaders(t *testing.T) {
	w := newWorld(t)
	passes := 24
	if testing.Short() {
		passes = 8
	}
	archive := w.file("read")
	w.at = noon.Add(50 * time.Minute)
	for range 13 { // up to 13:16; at 13:20 an hour closes
		w.feed(1, 2*time.Minute)
		w.oracle.Pass()
		w.pass(archive)
	}
	x := new(expected)
	next := func() {
		w.feed(1, time.Minute)
		w.oracle.Pass()
		x.learn(w.oracle.Samples())
		w.pass(archive)
	}
	next()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var group sync.WaitGroup
	var reads atomic.Int64
	read := func(what string, ask func() (string, error)) {
		group.Go(func() {
			for ctx.Err() == nil {
				since := x.newest()
				answer, err := ask()
				if ctx.Err() != nil {
					return
				}
				if err == nil && answer != "" {
					err = x.check(answer, since)
				}
				if err != nil {
					t.Errorf("%s: %v", what, err)
					return
				}
				reads.Add(1)
			}
		})
	}
	for range 2 {
		read("sqlite3", func() (string, error) { return rig.Shell(ctx, archive, census, "-readonly") })
	}
	read("heapstash sql", func() (string, error) {
		out, err := exec.CommandContext(ctx, heapstash, "sql", "--db-file", archive, "--format", "csv", census).CombinedOutput()
		_, rows, _ := strings.Cut(string(out), "\n")
		if err != nil {
			return "", fmt.Errorf("%w\n%s", err, out)
		}
		return strings.ReplaceAll(rows, ",", "\t"), nil
	})
	copied := w.file("copied")
	read("heapstash snapshot", func() (string, error) {
		out, err := exec.CommandContext(ctx, "env", "HEAPSTASH_ARCHIVE_MIN_FREE=0", heapstash, "snapshot", "--db-file", archive, "--force", copied).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("%w\n%s", err, out)
		}
		return rig.Shell(ctx, copied, census, "-readonly")
	})
	// A long transaction over several passes: the census is the same before and after
	// a long statement.
	read("a long transaction", func() (string, error) {
		out, err := rig.Shell(ctx, archive, "BEGIN;"+census+";SELECT '--';"+
			"WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000000) SELECT max(i) FROM n; SELECT '--';"+census+";COMMIT", "-readonly")
		if parts := strings.Split(out, "--\n"); err == nil && (len(parts) != 3 || parts[0] != parts[2]) {
			return "", fmt.Errorf("the archive changed within a transaction:\n%s", out)
		}
		return "", err
	})
	for range passes {
		next()
	}
	cancel()
	group.Wait()
	if reads.Load() < int64(passes)/4 {
		t.Errorf("%d reads beside %d passes", reads.Load(), passes)
	}
	t.Logf("%d passes, %d reads", passes, reads.Load())
	if cold := w.sql(archive, "SELECT count(*) > 0 FROM pod_cold"); cold != "1" {
		t.Error("no pass compacted")
	}
	w.holds(archive, w.oracle.Samples())
}

// TestTwoWriters: of two passes at once, one writes and the other exits with 11. When
// the first is killed, its lock ends.
func TestTwoWriters(t *testing.T) {
	w := newWorld(t)
	archive := w.file("fought")
	w.feed(1, time.Minute)
	w.oracle.Pass()
	w.pass(archive)
	times := max(2, *rounds/30)
	for range times {
		w.feed(1, time.Minute)
		w.oracle.Pass()
		arrived := make(chan struct{}, 1)
		w.sim.Inject("/metric-export$", 1, func(http.Handler) http.Handler {
			arrived <- struct{}{}
			return heapstertest.Hold(nil)(nil)
		})
		first := w.collect(archive)
		if err := first.Start(); err != nil {
			t.Fatal(err)
		}
		<-arrived
		for _, second := range []*exec.Cmd{w.collect(archive), w.collect(archive, "--retry-lock", "200ms")} {
			if e := w.run(second); e.Code != 11 || !strings.Contains(e.Stderr, "--retry-lock") {
				t.Errorf("beside another writer: exit code %d, want 11\n%s", e.Code, e.Stderr)
			}
		}
		if err := first.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := first.Wait(); err == nil {
			t.Fatal("it was not killed")
		}
		w.pass(archive) // without waiting for a lock
		w.holds(archive, w.oracle.Samples())
	}
	running := w.sql(archive, "SELECT outcome, count(*) FROM passes GROUP BY 1 ORDER BY 1")
	if want := fmt.Sprintf("abandoned\t%d\ncomplete\t%d", times, times+1); running != want {
		t.Errorf("passes:\n%swant\n%s", running, want)
	}
	// Without a hold, the first pass that gets the lock writes.
	outcomes := make(map[int]int)
	for range times {
		w.feed(1, time.Minute)
		w.oracle.Pass()
		var group sync.WaitGroup
		codes := make([]int, 3)
		for i := range codes {
			group.Go(func() { codes[i] = w.run(w.collect(archive)).Code })
		}
		group.Wait()
		for _, code := range codes {
			outcomes[code]++
		}
		if !slices.Contains(codes, 0) {
			t.Fatalf("no pass wrote: %v", codes)
		}
		w.holds(archive, w.oracle.Samples())
	}
	if outcomes[0]+outcomes[11] != 3*times {
		t.Errorf("exit codes: %v", outcomes)
	}
	t.Logf("exit codes of %d trios: %v", times, outcomes)
}
