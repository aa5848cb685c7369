// Package e2e tests heapstash against the real things.
package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"heapstash/heapster/heapsim"
)

// realHeapster is the program of realheapster/, built by TestMain.
var realHeapster string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "heapstash-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	realHeapster = filepath.Join(dir, "realheapster")
	build := exec.Command("go", "build", "-C", "realheapster", "-o", realHeapster, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building realheapster:", err)
		return 1
	}
	return m.Run()
}

// Heapster is a running server with the handlers and the sink of Heapster
// v1.5.4. Its sink evicts by the wall clock, so it is fed with times near now.
type Heapster struct {
	URL  string // of the API, up to before /api/v1/model
	feed string
}

// StartHeapster starts a Heapster that has no batch yet, with the flags of
// realheapster. It ends with the test.
func StartHeapster(tb testing.TB, flags ...string) *Heapster {
	tb.Helper()
	command := exec.Command(realHeapster, flags...)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		stdin.Close() // at which it ends
		if err := command.Wait(); err != nil {
			tb.Errorf("realheapster: %v", err)
		}
	})
	var urls struct{ API, Feed string }
	if err := json.NewDecoder(stdout).Decode(&urls); err != nil {
		tb.Fatalf("realheapster's first line: %v", err)
	}
	return &Heapster{URL: urls.API, feed: urls.Feed}
}

// Feed gives Heapster its next batch.
func (h *Heapster) Feed(tb testing.TB, batch heapsim.Batch) {
	tb.Helper()
	body, err := json.Marshal(batch)
	if err != nil {
		tb.Fatal(err)
	}
	h.post(tb, "/feed", body)
}

// Restart empties Heapster.
func (h *Heapster) Restart(tb testing.TB) {
	tb.Helper()
	h.post(tb, "/restart", nil)
}

func (h *Heapster) post(tb testing.TB, path string, body []byte) {
	tb.Helper()
	response, err := http.Post(h.feed+path, "application/json", bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		var text bytes.Buffer
		_, _ = text.ReadFrom(response.Body)
		tb.Fatalf("%s: %s: %s", path, response.Status, &text)
	}
}
