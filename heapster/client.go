// Package heapster is a client of Heapster's model API (names, series, one metric of
// many pods at once) and of its metric-export: concurrency, retries, and bodies
// within limits. Package wire has the paths and the JSON, package failure the
// errors, and package kube the way to a Heapster inside a cluster.
//
// Its assumptions about Heapster come from the source of v1.3 to HEAD
// (metrics/api/v1, metrics/sinks/metric) and from tests with the handlers of
// v1.5.4.
package heapster

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"heapstash/heapster/failure"
	"heapstash/heapster/wire"
)

// Options tune a [Client]. A zero value means the default.
type Options struct {
	// Concurrency is how many requests of the client may be in flight at the
	// same time. Default 8.
	Concurrency int
	// Timeout ends one attempt, its body included. Default 10s.
	Timeout time.Duration
	// Tries is how often a request is attempted in all. Default 3.
	Tries int
	// MaxURL is the longest URL in bytes that [Client.SplitPods] plans for.
	// Load balancers commonly refuse more than 8 kB. Default 6000.
	MaxURL int
	// Limits bound an answer.
	Limits wire.Limits
	// UserAgent is a request header. Default "heapstash".
	UserAgent string
	// Accept is a request header. Default "application/json".
	Accept string
	// Way is how the user gave the client's URL, for the hints of errors.
	Way failure.Way
}

func (o Options) withDefaults() Options {
	return Options{
		Concurrency: cmp.Or(o.Concurrency, 8),
		Timeout:     cmp.Or(o.Timeout, 10*time.Second),
		Tries:       cmp.Or(o.Tries, 3),
		MaxURL:      cmp.Or(o.MaxURL, 6000),
		Limits:      o.Limits.WithDefaults(),
		UserAgent:   cmp.Or(o.UserAgent, "heapstash"),
		Accept:      cmp.Or(o.Accept, "application/json"),
		Way:         o.Way,
	}
}

// Client reads one Heapster. Its methods may be called concurrently.
//
// They send only GETs, and repeat a request if another try may help: after no
// connection, a timeout, an answer cut short, or a status of 429, 500, 502,
// 503 or 504. The last error is returned: a [failure.StatusError], a
// [failure.TransportError], a [failure.ProtocolError] or a
// [wire.UnaddressableError]. Each wraps a sentinel of package schema and has a
// hint. When the caller's context ends, the
// error is that context's.
type Client struct {
	http *http.Client
	base string // the URL without Heapster's own path, without a slash at the end
	opts Options

	slots    chan struct{} // has an element for each request in flight
	bodies   sync.Pool     // of *body
	requests atomic.Int64
	bytes    atomic.Int64
	answered atomic.Bool // a request had a good answer
	padding  atomic.Bool // lists of pods pass kubectl proxy's filter with a name in front
}

// New returns a client of the Heapster at base, the URL without /api/v1/model and the
// rest. It sends no request.
//
// The client never follows redirects, whatever hc says, because Heapster sends none.
// A redirect is a [failure.StatusError] with its target.
func New(hc *http.Client, base *url.URL, opts Options) (*Client, error) {
	switch {
	case base.Scheme != "http" && base.Scheme != "https":
		return nil, fmt.Errorf("heapster URL %q: begin it with http:// or https://", base.Redacted())
	case base.Host == "":
		return nil, fmt.Errorf("heapster URL %q: name a host", base.Redacted())
	case base.RawQuery != "" || base.ForceQuery || base.Fragment != "":
		return nil, fmt.Errorf("heapster URL %q: leave out the part after the path", base.Redacted())
	}
	if opts.Concurrency < 0 || opts.Timeout < 0 || opts.Tries < 0 || opts.MaxURL < 0 || opts.Limits.IsNegative() {
		return nil, fmt.Errorf("heapster client: an option is negative: %+v", opts)
	}
	opts = opts.withDefaults()
	direct := *hc
	direct.CheckRedirect = refuseRedirect
	return &Client{
		http:   &direct,
		base:   strings.TrimRight(base.String(), "/"),
		opts:   opts,
		slots:  make(chan struct{}, opts.Concurrency),
		bodies: sync.Pool{New: func() any { return newBody() }},
	}, nil
}

// refuseRedirect makes an http.Client return the redirect itself.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Traffic returns the number of requests sent, repeated ones included, and the number
// of bytes in the bodies received, as they came (compressed).
func (c *Client) Traffic() (requests, bytes int64) {
	return c.requests.Load(), c.bytes.Load()
}
