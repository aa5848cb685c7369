package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"heapstash/cmd/heapstash/demo"
	"heapstash/cmd/heapstash/engine"
	"heapstash/heapster/heapsim"
	"heapstash/internal/need"
	"heapstash/schema"
)

// newDemonstration is a demo of days up to a moment, which does not move.
func newDemonstration(path string, now time.Time, out io.Writer) *demonstration {
	d := &demonstration{cfg: Default(), out: out, errors: io.Discard, log: slog.New(slog.DiscardHandler), program: "heapstash",
		now: func() time.Time { return now }, resolution: demo.Step}
	d.cfg.DBFile, d.cfg.ClusterName = path, demo.Cluster
	return d
}

// archived is the demo without what it shows of its archive.
func (d *demonstration) archived(t *testing.T) error {
	heapster := heapsim.New(heapsim.Options{Now: func() time.Time { return time.Unix(d.clock.Load(), 0) }})
	server := httptest.NewServer(heapster)
	defer server.Close()
	d.cfg.HeapsterURL = server.URL
	_, err := d.bring(t.Context(), heapster)
	return err
}

// TestDemoGoesOn: an archive that a demo made in three runs, by passes and
// without, has the samples, the incarnations and the hours of one that was
// filled in one go.
func TestDemoGoesOn(t *testing.T) {
	path, whole := filepath.Join(t.TempDir(), "a.db"), filepath.Join(t.TempDir(), "b.db")
	start := time.Date(2018, 7, 3, 1, 12, 30, 0, time.UTC)
	for _, later := range []time.Duration{0, 2 * time.Minute, 2*time.Minute + 10*time.Second, 95 * time.Minute} {
		if err := newDemonstration(path, start.Add(later), io.Discard).archived(t); err != nil {
			t.Fatal(err)
		}
	}
	state, err := demo.Look(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if want := schema.InstantOf(start.Add(95 * time.Minute).Truncate(time.Minute)); state.Newest != want || len(state.Shaken) != 2 {
		t.Errorf("it ends at %v, shaken at %v; want %v, and twice", state.Newest, state.Shaken, want)
	}
	store, err := engine.Open(t.Context(), whole, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	story := demo.NewStory(state.Begin, state.Shaken)
	if err := demo.Fill(t.Context(), store, story, state.Begin, state.Newest, func(int, schema.Instant) {}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		// Of labelled metrics, floats are cut where they are not of the newest batch.
		`SELECT kind, namespace, pod, container, node, labels, metric, ts, CASE WHEN labels IS NULL THEN value ELSE CAST(value AS INTEGER) END FROM samples ORDER BY 1, 2, 3, 4, 5, 6, 7, 8`,
		`SELECT namespace, pod, uid, node, labels, images, owner_kind, owner, valid_from, valid_to, present FROM pod_identities ORDER BY 1, 2, valid_from`,
		`SELECT * FROM pod_hourly ORDER BY ts, namespace, pod`,
	} {
		if got, want := stock(t, path, statement), stock(t, whole, statement); got != want {
			t.Errorf("%s\nfirst differs at %s", statement, firstDifferent(got, want))
		} else if got == "" {
			t.Errorf("%s gives nothing", statement)
		}
	}
	if conflicts := stock(t, path, "SELECT count(*) FROM conflict"); conflicts != "0\n" {
		t.Errorf("%s conflicts", conflicts)
	}
}

func stock(t *testing.T, path, statement string) string {
	t.Helper()
	out, err := exec.Command(need.Program(t, "sqlite3"), "-readonly", path, statement).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func firstDifferent(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] + "\nwant " + b[i]
		}
	}
	return "its end"
}

// TestDemoIsKilled: wherever a demo is killed or told to stop, the next one
// brings its archive to the end.
func TestDemoIsKilled(t *testing.T) {
	directory := t.TempDir()
	for _, after := range []time.Duration{30, 60, 120, 250, 500} {
		cmd := exec.Command("heapstash", "demo", "--days", "1")
		cmd.Dir = directory
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(after * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // it was killed, or done
	}
	cmd := exec.Command("heapstash", "demo", "--days", "1")
	cmd.Dir = directory
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	path := filepath.Join(directory, demoFile)
	if got := stock(t, path, "SELECT count(*) >= 1440, max(ts) - min(ts) = 60 * (count(*) - 1), (SELECT count(*) FROM conflict) FROM cluster"); got != "1|1|0\n" {
		t.Errorf("got %q", got)
	}
	if got := stock(t, path, "SELECT count(DISTINCT n) FROM (SELECT count(*) AS n FROM node GROUP BY node)"); got != "1\n" {
		t.Errorf("nodes have %s numbers of rows", got)
	}
}

// TestPathLine: the documents' commands are found where the demo's program is
// called by its path.
func TestPathLine(t *testing.T) {
	for program, want := range map[string]string{
		"heapstash":          "",
		"bin/heapstash":      "  export PATH=\"$PWD/bin:$PATH\"\n",
		"/opt/bin/heapstash": "  export PATH=\"/opt/bin:$PATH\"\n",
	} {
		if got := pathLine(program); got != want {
			t.Errorf("%s: %q, want %q", program, got, want)
		}
	}
}

// TestDemoIsInterrupted: it says how to go on.
func TestDemoIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	var out, errors strings.Builder
	path := filepath.Join(t.TempDir(), "a.db")
	code := execute(ctx, []string{"demo", "--days", "5", "--db-file", path}, streams{strings.NewReader(""), &out, &errors})
	if code != exitInterrupted {
		t.Errorf("exit code %d: %s", code, &errors)
	}
	if !strings.Contains(out.String(), "goes on from here when it is run again") {
		t.Errorf("it does not say so:\n%s", &out)
	}
}

// TestDemoServes: the stand-in that stays is one to collect from, with the line
// that it prints, without loss, and ends in peace.
func TestDemoServes(t *testing.T) {
	directory := t.TempDir()
	serve := func(resolution string) (words string, stop func()) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		serving := exec.CommandContext(ctx, "heapstash", "demo", "--days", "0", "--serve", "--listen", "127.0.0.1:0", "--resolution", resolution)
		serving.Dir = directory
		stdout, err := serving.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := serving.Start(); err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(stdout); !strings.Contains(words, "--db-file mine.db"); words += lines.Text() + "\n" {
			if !lines.Scan() {
				t.Fatalf("it ends with\n%s", words)
			}
		}
		go io.Copy(io.Discard, stdout)
		return words, func() {
			defer cancel()
			if err := serving.Process.Signal(signals["INT"]); err != nil {
				t.Fatal(err)
			}
			if err := serving.Wait(); err != nil {
				t.Errorf("it ended with %v", err)
			}
		}
	}
	collect := func(words, file string, args ...string) {
		t.Helper()
		url := regexp.MustCompile(`collect --heapster-url (http://\S+) --db-file mine.db`).FindStringSubmatch(words)[1]
		cmd := exec.Command("heapstash", append([]string{"collect", "--heapster-url", url, "--db-file", file}, args...)...)
		cmd.Dir = directory
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	none := func(file string) {
		t.Helper()
		if lost := stock(t, filepath.Join(directory, file), "SELECT count(*) FROM gaps"); lost != "0\n" {
			t.Errorf("%s: %s gaps", file, lost)
		}
	}

	words, stop := serve("1m")
	if !strings.Contains(words, "--db-file "+demoFile+" --cluster-name demo") {
		t.Errorf("it says\n%s", words)
	}
	collect(words, demoFile, "--cluster-name", "demo")
	none(demoFile)
	stop()

	words, stop = serve("1s")
	if strings.Contains(words, "--db-file "+demoFile) {
		t.Errorf("it has its own archive go on with other batches:\n%s", words)
	}
	counts := make(map[string]bool)
	for range 3 {
		collect(words, "mine.db")
		counts[stock(t, filepath.Join(directory, "mine.db"), "SELECT count(*) FROM cluster")] = true
		time.Sleep(time.Second)
	}
	if len(counts) != 3 {
		t.Errorf("there are no new samples: %v", counts)
	}
	none("mine.db")
	stop()
}
