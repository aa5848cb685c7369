package main

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"heapstash/cmd/heapstash/demo"
	"heapstash/internal/need"
)

// TestDemoIsKilled: wherever a demo is killed, the next demo completes its archive.
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
	path := filepath.Join(directory, demo.File)
	if got := need.SQLite(t, path, "SELECT count(*) >= 1440, max(ts) - min(ts) = 60 * (count(*) - 1), (SELECT count(*) FROM conflict) FROM cluster"); got != "1|1|0\n" {
		t.Errorf("got %q", got)
	}
	if got := need.SQLite(t, path, "SELECT count(DISTINCT n) FROM (SELECT count(*) AS n FROM node GROUP BY node)"); got != "1\n" {
		t.Errorf("nodes have %s numbers of rows", got)
	}
}

// TestDemoIsInterrupted: the demo says how to continue.
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

// TestDemoServes: with the line that the demo prints, collect archives the stand-in
// without loss. An interrupt ends the demo with exit code 0.
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
		if lost := need.SQLite(t, filepath.Join(directory, file), "SELECT count(*) FROM gaps"); lost != "0\n" {
			t.Errorf("%s: %s gaps", file, lost)
		}
	}

	words, stop := serve("1m")
	if !strings.Contains(words, "--db-file "+demo.File+" --cluster-name demo") {
		t.Errorf("it says\n%s", words)
	}
	collect(words, demo.File, "--cluster-name", "demo")
	none(demo.File)
	stop()

	words, stop = serve("1s")
	if strings.Contains(words, "--db-file "+demo.File) {
		t.Errorf("it has its own archive go on with other batches:\n%s", words)
	}
	counts := make(map[string]bool)
	for range 3 {
		collect(words, "mine.db")
		counts[need.SQLite(t, filepath.Join(directory, "mine.db"), "SELECT count(*) FROM cluster")] = true
		time.Sleep(time.Second)
	}
	if len(counts) != 3 {
		t.Errorf("there are no new samples: %v", counts)
	}
	none("mine.db")
	stop()
}
