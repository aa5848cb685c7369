//go:build linux

package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"heapstash/heapster"
)

// replayRole makes this program the floor: replay FILE.
const replayRole = "replay"

// traffic has members of the last line of both processes.
type traffic struct {
	Requests int64 `json:"requests"`
	Bytes    int64 `json:"bytes"` // of bodies, as they came over the wire
}

// replay sends the requests of a file as heapstash's client does, and reads every
// answer to its end.
func replay(ctx context.Context, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var asked requestLog
	if err := json.Unmarshal(text, &asked); err != nil {
		return err
	}
	client, err := heapster.DirectClient(heapster.DirectOptions{})
	if err != nil {
		return err
	}
	urls := make(chan string, len(asked.URLs))
	for _, url := range asked.URLs {
		urls <- url
	}
	close(urls)

	var bytes atomic.Int64
	errs := make([]error, concurrency)
	var workers sync.WaitGroup
	for i := range concurrency {
		workers.Go(func() {
			d := drain{client: client, userAgent: asked.UserAgent, bytes: &bytes}
			for url := range urls {
				errs[i] = errors.Join(errs[i], d.get(ctx, url))
			}
		})
	}
	workers.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(traffic{int64(len(asked.URLs)), bytes.Load()})
}

// drain reads answers and drops them.
type drain struct {
	client    *http.Client
	userAgent string
	bytes     *atomic.Int64
	zip       gzip.Reader
}

func (d *drain) get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Accept-Encoding", "gzip")
	request.Header.Set("User-Agent", d.userAgent)
	response, err := d.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Encoding") != "gzip" {
		return fmt.Errorf("%s: %s, not zipped", url, response.Status)
	}
	if err := d.zip.Reset(countingReader{response.Body, d.bytes}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, &d.zip)
	return err
}

type countingReader struct {
	io.Reader
	sum *atomic.Int64
}

func (c countingReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.sum.Add(int64(n))
	return n, err
}
