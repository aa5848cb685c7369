package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heapstash/heapster/heapsim"
)

// TestRun lets run make its first pass, reads what it serves, and stops it.
func TestRun(t *testing.T) {
	sim := heapsim.New(heapsim.Options{})
	sim.Feed(heapsim.NewCluster(heapsim.ClusterOptions{Pods: 4}).Next(time.Now()))
	server := httptest.NewServer(sim)
	defer server.Close()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	logs, stderr := io.Pipe()
	code := make(chan int)
	go func() {
		code <- execute(ctx, []string{
			"run", "--heapster-url", server.URL, "--db-file", filepath.Join(t.TempDir(), "a.db"),
			"--listen", "127.0.0.1:0", "--schedule", "@every 2m",
		}, streams{strings.NewReader(""), io.Discard, stderr})
		stderr.Close()
	}()

	lines := bufio.NewScanner(logs)
	if warned := awaitLog(t, lines, "passes are up to"); warned["level"] != "WARN" {
		t.Errorf("the schedule's warning is %v", warned)
	}
	base := "http://" + awaitLog(t, lines, "listening")["address"].(string)
	if done := awaitLog(t, lines, "pass"); done["outcome"] != "complete" {
		t.Errorf("the first pass: %v", done)
	}
	go io.Copy(io.Discard, logs)

	for path, want := range map[string]string{
		"/healthz": "ok\n",
		"/readyz":  "ok\n",
		"/metrics": `heapstash_passes_total{cluster="default",outcome="complete"} 1` + "\n",
	} {
		if status, body := get(t, base+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, without %q:\n%s", path, status, want, body)
		}
	}
	cancel()
	if got := <-code; got != exitDone {
		t.Errorf("exit code %d", got)
	}
}

// awaitLog returns the next line of the log whose message begins with the text.
func awaitLog(t *testing.T, lines *bufio.Scanner, message string) map[string]any {
	t.Helper()
	for lines.Scan() {
		var line map[string]any
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		if text, _ := line["msg"].(string); strings.HasPrefix(text, message) {
			return line
		}
	}
	t.Fatalf("the log ended without %q", message)
	return nil
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
