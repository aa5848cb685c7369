package rig

import (
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"heapstash/internal/need"
)

// WhileReady starts `heapstash run`, calls f when the URL answers with 200, and
// ends the command as systemd does. The command must then exit with 0.
func WhileReady(tb testing.TB, cmd *exec.Cmd, url string, f func()) {
	tb.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := need.Start(cmd); err != nil {
		tb.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tb.Cleanup(func() { _ = cmd.Process.Kill() }) // if it still runs
	deadline := time.After(30 * time.Second)
	for !Answers(url) {
		select {
		case err := <-ended:
			tb.Fatalf("%q ended: %v\n%s", cmd.Args, err, &stderr)
		case <-deadline:
			tb.Fatalf("%s does not answer after 30 s", url)
		case <-time.After(20 * time.Millisecond):
		}
	}
	f()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		tb.Fatal(err)
	}
	if err := <-ended; err != nil {
		tb.Errorf("after SIGTERM, %q ends with %v\n%s", cmd.Args, err, &stderr)
	}
}

// Answers reports whether a GET of the URL returns 200.
func Answers(url string) bool {
	response, err := http.Get(url)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}
