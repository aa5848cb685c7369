// Package failure tells why a request to Heapster had no good answer, and what
// to do about it.
//
// An [Attempt] watches one request and makes an error of what goes wrong: a
// [StatusError], a [TransportError] or a [ProtocolError]. Each is one line
// without credentials, wraps a sentinel of package schema, and has a hint that
// names the flags of the way in which was taken. Kubernetes, its proxies,
// crypto/tls and net/http often tell their errors apart by texts alone; this
// package knows those texts. It sends nothing itself.
package failure

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"heapstash/heapster/wire"
	"heapstash/schema"
)

// Attempt is one request, up to its failure.
type Attempt struct {
	URL *url.URL
	// Way is how the user gave the URL.
	Way Way
	// Answered is set if another request had a good answer: the way in is right.
	Answered bool

	mu   sync.Mutex
	sent secrets
	progress
}

// Trace returns the context with which the request has to be sent.
func (a *Attempt) Trace(ctx context.Context) context.Context {
	trace := &httptrace.ClientTrace{WroteHeaderField: func(key string, values []string) {
		key = http.CanonicalHeaderKey(key) // HTTP/2 has them in lower case
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, value := range values {
			a.sent.header(key, value)
		}
	}}
	a.progress.watch(trace)
	return httptrace.WithClientTrace(ctx, trace)
}

// secrets returns what the request was sent with.
func (a *Attempt) secrets() secrets {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.sent)
}

// NoAnswer is for an error of http.Client.Do. A header that is too long is a
// [ProtocolError], which net/http tells only by a text; else it is a
// [TransportError].
func (a *Attempt) NoAnswer(err error) error {
	var wrapped *url.Error // it repeats the whole URL
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	says := func(text string) bool { return strings.Contains(err.Error(), text) }
	switch {
	case says("response headers exceeded"), says("response header list larger"):
		return &ProtocolError{URL: shortURL(a.URL), Message: "an answer with too long a header", way: a.Way}
	default:
		return &TransportError{URL: shortURL(a.URL), Err: asConnectRefusal(a.URL, err, &a.progress), own: a.secrets(), handshake: a.inHandshake(), way: a.Way}
	}
}

// TimedOut is for a request without a whole answer after that time.
func (a *Attempt) TimedOut(after time.Duration) error {
	return &TransportError{URL: shortURL(a.URL), Err: timeoutError(after), handshake: a.inHandshake(), unconnected: a.unconnected(), way: a.Way}
}

// WebPage is for a good status with a web page.
func (a *Attempt) WebPage() error {
	return &ProtocolError{URL: shortURL(a.URL), Message: "a web page", HTML: true, way: a.Way}
}

// BadBody is for a good status and a body that could not be decoded, because of err.
func (a *Attempt) BadBody(resp *http.Response, err error) error {
	e := &ProtocolError{URL: shortURL(a.URL), own: secretsOf(resp), way: a.Way}
	var format *wire.FormatError
	var beyond *schema.LimitError
	switch {
	case errors.As(err, &format):
		e.Message = format.Message
	case errors.As(err, &beyond):
		e.Message, e.Err = beyond.What, beyond
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		e.Message = "an answer that is not gzip though it says so"
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Message, e.Err = "the answer ends early", io.ErrUnexpectedEOF // without the decoder's words around it
	default:
		e.Message, e.Err = "the answer ends early", err
	}
	e.Message = oneLine(e.own.scrub(e.Message))
	return e
}

// BadStatus is for any status but 200. Of the body it takes the start, and
// whether it is a web page.
func (a *Attempt) BadStatus(resp *http.Response, start []byte, html bool) *StatusError {
	e := &StatusError{
		URL:        shortURL(a.URL),
		Code:       resp.StatusCode,
		HTML:       html,
		RetryAfter: retryAfter(resp.Header.Get("Retry-After")),
		path:       a.URL.Path,
		service:    serviceIn(a.URL.Path),
		answered:   a.Answered,
		challenge:  challenge(resp.Header.Get("WWW-Authenticate")),
		way:        a.Way,
	}
	own := secretsOf(resp)
	if location, err := resp.Location(); err == nil && resp.StatusCode/100 == 3 {
		location.RawQuery, location.Fragment = "", "" // log-ins carry secrets there
		location.User = nil
		e.Location = short(own.scrub(location.String()))
	}
	text := own.withoutEnd(start)
	var status struct{ Kind, Reason, Message string }
	switch {
	case json.Unmarshal(text, &status) == nil && status.Kind == "Status":
		e.FromAPIServer = true
		e.Reason = own.scrub(status.Reason)
		e.Message = oneLine(own.scrub(status.Message))
	case e.HTML:
		e.Message = "a web page"
		if bytes.HasPrefix(text, []byte(oldProxyDenial)) {
			e.Message = "Unauthorized"
		}
	default:
		e.Message = oneLine(own.scrub(string(text)))
		e.FromAPIServer = e.isAPIServerText()
	}
	return e
}

// Permanent reports whether another try cannot help.
func Permanent(err error) bool {
	var failure interface{ permanent() bool }
	return errors.As(err, &failure) && failure.permanent()
}
