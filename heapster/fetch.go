package heapster

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"

	"heapstash/heapster/failure"
	"heapstash/heapster/wire"
)

// The waits before another try: each is twice the one before, plus or minus a random
// half, so that several clients do not ask together. A longer Retry-After of the
// server is obeyed, up to longestWished.
const (
	firstWait     = 200 * time.Millisecond
	longestWait   = 5 * time.Second
	longestWished = 30 * time.Second
)

// fetch gets a URL and decodes the answer, with more tries if they may help.
func fetch[T any](ctx context.Context, c *Client, url string, length wire.Length, decode func(io.Reader) (T, error)) (T, error) {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval = firstWait
	waits.Multiplier = 2
	waits.MaxInterval = longestWait

	var last error // Retry may wrap it
	answer, err := backoff.Retry(ctx, func() (T, error) {
		answer, err := attempt(ctx, c, url, length, decode)
		last = err
		return answer, forRetry(err)
	}, backoff.WithBackOff(waits), backoff.WithMaxTries(uint(c.opts.Tries)), backoff.WithMaxElapsedTime(0))

	var none T
	switch {
	case err == nil:
		return answer, nil
	case ctx.Err() != nil:
		return none, ctx.Err()
	default:
		return none, last
	}
}

// forRetry tells package backoff whether and when to try again.
func forRetry(err error) error {
	if err == nil {
		return nil
	}
	again := err
	if status, ok := errors.AsType[*failure.StatusError](err); ok && status.RetryAfter > 0 {
		again = &backoff.RetryAfterError{Duration: min(status.RetryAfter, longestWished)}
	}
	if failure.Permanent(err) {
		return backoff.Permanent(again)
	}
	return again
}

// attempt gets a URL once.
func attempt[T any](ctx context.Context, c *Client, url string, length wire.Length, decode func(io.Reader) (T, error)) (answer T, err error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return answer, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer, err
	}
	req.Header.Set("Accept", c.opts.Accept)
	req.Header.Set("Accept-Encoding", "gzip") // asked for here, so that net/http leaves the bytes to count
	req.Header.Set("User-Agent", c.opts.UserAgent)

	c.requests.Add(1)
	try := &failure.Attempt{URL: req.URL, Way: c.opts.Way}
	resp, err := c.http.Do(req.WithContext(try.Trace(ctx)))
	if err != nil {
		err = try.NoAnswer(err)
	} else {
		answer, err = receive(c, resp, try, length, decode)
	}
	if err != nil && ctx.Err() != nil {
		err = try.TimedOut(c.opts.Timeout)
	}
	return answer, err
}

// receive reads an answer to its end, so that the connection serves the next request
// too.
func receive[T any](c *Client, resp *http.Response, try *failure.Attempt, length wire.Length, decode func(io.Reader) (T, error)) (answer T, err error) {
	defer resp.Body.Close()
	b := c.bodies.Get().(*body)
	defer c.bodies.Put(b)
	err = b.reset(resp, length, &c.bytes)
	try.Answered = c.answered.Load()
	switch {
	case resp.StatusCode != http.StatusOK: // whatever its body is
		return answer, try.BadStatus(resp, b.start(), b.isHTML(resp.Header))
	case err != nil:
		return answer, try.BadBody(resp, err)
	case b.isHTML(resp.Header):
		return answer, try.WebPage()
	}
	if answer, err = decode(b.text); err != nil {
		return answer, try.BadBody(resp, err)
	}
	c.answered.Store(true)
	return answer, nil
}
