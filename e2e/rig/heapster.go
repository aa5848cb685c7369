package rig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"heapstash/heapster/heapsim"
)

// Heapster is a running server with the handlers and the sink of Heapster v1.5.4.
// Its sink evicts batches by the real clock, so feed it batches of about now.
type Heapster struct {
	URL string // of the API, up to before /api/v1/model

	feed    string
	process *process
}

// StartHeapster starts a Heapster without a batch, by the program realheapster and
// its flags. It ends with the test.
func StartHeapster(tb testing.TB, program string, flags ...string) *Heapster {
	tb.Helper()
	h, err := RunHeapster(exec.Command(program, flags...))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := h.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return h
}

// RunHeapster starts a Heapster without a batch by a command. It ends with Stop, or
// with this process.
func RunHeapster(command *exec.Cmd) (*Heapster, error) {
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h := &Heapster{}
	if h.process, err = start(command); err != nil {
		return nil, err
	}
	var urls struct{ API, Feed string }
	if err := json.NewDecoder(stdout).Decode(&urls); err != nil {
		return nil, errors.Join(fmt.Errorf("realheapster's first line: %w", err), h.Stop())
	}
	h.URL, h.feed = urls.API, urls.Feed
	return h, nil
}

// Stop ends the server.
func (h *Heapster) Stop() error { return h.process.stop(syscall.SIGTERM) }

// Feed gives Heapster its next batch.
func (h *Heapster) Feed(batch heapsim.Batch) error {
	body, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	return h.post("/feed", body)
}

// Restart empties Heapster.
func (h *Heapster) Restart() error { return h.post("/restart", nil) }

func (h *Heapster) post(path string, body []byte) error {
	response, err := http.Post(h.feed+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", path, response.Status, text)
	}
	return nil
}
