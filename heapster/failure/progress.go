package failure

import (
	"crypto/tls"
	"net/http/httptrace"
	"sync/atomic"
)

// progress tells how far a request came. Errors do not always tell: net/http
// reports the same EOF for a handshake and for an answer.
type progress struct {
	connected  atomic.Bool // a new connection was made, to the server or to a proxy
	ready      atomic.Bool // there was a connection for the request
	handshakes atomic.Int32
	secured    atomic.Int32
}

func (p *progress) watch(trace *httptrace.ClientTrace) {
	trace.ConnectDone = func(_, _ string, err error) {
		if err == nil {
			p.connected.Store(true)
		}
	}
	trace.GotConn = func(httptrace.GotConnInfo) { p.ready.Store(true) }
	trace.TLSHandshakeStart = func() { p.handshakes.Add(1) }
	trace.TLSHandshakeDone = func(_ tls.ConnectionState, err error) {
		if err == nil {
			p.secured.Add(1)
		}
	}
}

// unconnected reports whether there was no connection.
func (p *progress) unconnected() bool { return !p.connected.Load() && !p.ready.Load() }

// inHandshake reports whether a TLS handshake began and did not succeed.
func (p *progress) inHandshake() bool { return p.handshakes.Load() > p.secured.Load() }
