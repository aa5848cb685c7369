package failure

import (
	"crypto/tls"
	"net/http/httptrace"
	"sync/atomic"
)

// progress is how far a request came, as far as a failure does not say so
// itself: net/http reports an EOF of a handshake and one of an answer alike.
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

// unconnected reports that nobody took the connection.
func (p *progress) unconnected() bool { return !p.connected.Load() && !p.ready.Load() }

// inHandshake reports that a TLS handshake began and did not end well.
func (p *progress) inHandshake() bool { return p.handshakes.Load() > p.secured.Load() }
