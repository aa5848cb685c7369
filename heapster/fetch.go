package heapster

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"

	"heapstash/heapster/wire"
)

// How long to wait before another try: each wait is twice the one before, and
// half of it up or down at random, so that several clients drift apart. A
// server that asks for more with Retry-After gets it, within reason.
const (
	firstWait     = 200 * time.Millisecond
	longestWait   = 5 * time.Second
	longestWished = 30 * time.Second
)

// fetch gets a URL and decodes the answer, of at most that length, with
// further tries where they can help.
func fetch[T any](ctx context.Context, c *Client, url string, length wire.Length, decode func(io.Reader) (T, error)) (T, error) {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval = firstWait
	waits.Multiplier = 2
	waits.MaxInterval = longestWait

	var failure error // Retry may return its own wrapping of it
	answer, err := backoff.Retry(ctx, func() (T, error) {
		answer, err := attempt(ctx, c, url, length, decode)
		failure = err
		return answer, forRetry(err)
	}, backoff.WithBackOff(waits), backoff.WithMaxTries(uint(c.opts.Tries)), backoff.WithMaxElapsedTime(0))

	var none T
	switch {
	case err == nil:
		return answer, nil
	case ctx.Err() != nil:
		return none, ctx.Err()
	default:
		return none, failure
	}
}

// forRetry tells package backoff whether and when to try again.
func forRetry(err error) error {
	var status *StatusError
	var transport *TransportError
	var protocol *ProtocolError
	lasts := false
	switch {
	case errors.As(err, &status):
		if status.RetryAfter > 0 {
			err = &backoff.RetryAfterError{Duration: min(status.RetryAfter, longestWished)}
		}
		lasts = status.lasts()
	case errors.As(err, &transport):
		lasts = transport.lasts()
	case errors.As(err, &protocol):
		lasts = protocol.lasts()
	}
	if lasts {
		return backoff.Permanent(err)
	}
	return err
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
	var out outgoing
	resp, err := c.http.Do(req.WithContext(out.trace(ctx)))
	if err != nil {
		err = noAnswer(req.URL, err, &out)
	} else {
		answer, err = receive(c, resp, req.URL, length, decode)
	}
	if err != nil && ctx.Err() != nil {
		err = &TransportError{URL: shortURL(req.URL), Err: timeoutError(c.opts.Timeout), handshake: out.inHandshake(), unconnected: out.unconnected()}
	}
	c.tellWay(err)
	return answer, err
}

// receive reads an answer to its end, which leaves the connection fit for the
// next request.
func receive[T any](c *Client, resp *http.Response, u *url.URL, length wire.Length, decode func(io.Reader) (T, error)) (answer T, err error) {
	defer resp.Body.Close()
	b := c.bodies.Get().(*body)
	defer c.bodies.Put(b)
	err = b.reset(resp, length, &c.bytes)
	switch {
	case resp.StatusCode != http.StatusOK: // whatever its body is
		return answer, c.newStatusError(u, resp, b)
	case err != nil:
		return answer, bodyError(u, err, secretsOf(resp))
	case b.isHTML(resp.Header):
		return answer, &ProtocolError{URL: shortURL(u), Message: "a web page", HTML: true}
	}
	if answer, err = decode(b.text); err != nil {
		return answer, bodyError(u, err, secretsOf(resp))
	}
	c.answered.Store(true)
	return answer, nil
}

// shortURL spells a URL for people: without credentials, and short, since one
// that names a hundred pods fills a screen.
func shortURL(u *url.URL) string {
	bare := *u
	bare.User = nil
	return short(bare.String())
}

func short(text string) string {
	const head, tail = 150, 80
	if len(text) > head+tail {
		text = text[:head] + "..." + text[len(text)-tail:]
	}
	return text
}
