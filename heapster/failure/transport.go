package failure

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"heapstash/schema"
)

// TransportError is a request without a whole answer: there was no connection, no
// trusted certificate, no credentials to send, or no time left. It wraps the
// cause, and [schema.ErrUnreachable], or [schema.ErrRefused] for a lack of
// credentials.
type TransportError struct {
	URL string // without credentials, shortened
	Err error

	own         secrets
	handshake   bool // the TLS handshake was not over
	unconnected bool // there was no connection when the time was over
	way         Way
}

// Error is one line. It does not quote an answer that is not HTTP, as net/http does:
// the quotation may have the request's own token.
func (e *TransportError) Error() string {
	text := e.Err.Error()
	if i := strings.Index(text, "malformed "); i >= 0 {
		before, _, _ := strings.Cut(text[i:], "\"")
		before, _, _ = strings.Cut(before, ":")
		text = text[:i] + strings.TrimSpace(before)
	}
	if e.handshake && e.brokenOff() && !strings.Contains(text, "TLS handshake") {
		text += " in the TLS handshake"
	}
	return e.URL + ": " + oneLine(e.own.scrub(WithoutUserinfo(text)))
}

// Unwrap returns the sentinel of package schema and the cause.
func (e *TransportError) Unwrap() []error {
	if e.noCredentials() || e.spacedToken() {
		return []error{schema.ErrRefused, e.Err}
	}
	return []error{schema.ErrUnreachable, e.Err}
}

// permanent reports whether another try cannot help.
func (e *TransportError) permanent() bool {
	var refusal connectRefusal
	return e.noCredentials() || e.spacedToken() || errors.As(e.Err, &refusal) && !refusal.passes() || e.plainServer() || e.tlsServer() || e.alert() ||
		e.handshake && strings.Contains(e.Err.Error(), "tls: ")
}

// alert reports whether the server ended the TLS handshake. (crypto/tls does not
// export the alert; it names the operation so.)
func (e *TransportError) alert() bool {
	var op *net.OpError
	return errors.As(e.Err, &op) && op.Op == "remote error"
}

// plainServer reports whether the server of an https URL speaks plain HTTP.
func (e *TransportError) plainServer() bool {
	var record tls.RecordHeaderError
	return errors.Is(e.Err, http.ErrSchemeMismatch) || errors.As(e.Err, &record)
}

// tlsServer reports whether the server of an http URL speaks TLS. Only net/http's
// text tells.
func (e *TransportError) tlsServer() bool {
	return strings.Contains(e.Err.Error(), `malformed HTTP response "\x15\x03`)
}

// Hint says what the user can do.
func (e *TransportError) Hint() string {
	var refusal connectRefusal
	var dns *net.DNSError
	var op *net.OpError
	var timeout timeoutError
	switch {
	case e.noCredentials():
		return e.credentialHint()
	case e.spacedToken():
		return "the token has a line break in it: remove it from the file, or let the plugin print the token without it"
	case errors.As(e.Err, &op) && op.Op == "proxyconnect":
		return proxyHint(op, e.way)
	case errors.As(e.Err, &refusal):
		return refusal.hint(e.way)
	case e.certificateHint() != "":
		return e.certificateHint()
	case e.plainServer():
		return "the server speaks plain HTTP: " + e.beginURL("http://")
	case e.tlsServer():
		return "the server speaks TLS: " + e.beginURL("https://")
	case e.tlsHint() != "":
		return e.tlsHint()
	case errors.As(e.Err, &timeout) && e.unconnected:
		return "no server answers at that address: is the address right, and does a firewall or a missing VPN block it?"
	case errors.As(e.Err, &timeout):
		return "Heapster or a server in front of it is slow: raise --timeout or lower --concurrency"
	case errors.As(e.Err, &dns):
		return "the host's name does not resolve: is it spelled right, and does it exist outside the cluster?"
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return e.refusedHint()
	case e.hungUp():
		return "the server, or a proxy on the way, closed the connection: is the scheme (http or https) right?"
	default:
		return "check the network between here and the server"
	}
}

// spacedToken reports whether the credentials have a character that no header may
// have.
func (e *TransportError) spacedToken() bool {
	return strings.Contains(e.Err.Error(), `invalid header field value for "Authorization"`)
}

// beginURL says where to correct the URL's scheme.
func (e *TransportError) beginURL(scheme string) string {
	switch e.way {
	case ByURL:
		return "begin the URL with " + scheme
	case ByProxy:
		return "begin the URL in --server, or the server of the kubeconfig's cluster, with " + scheme
	default:
		return "begin the server of the kubeconfig's cluster, or the URL in --server, with " + scheme
	}
}

// refusedHint names the server that should be at the URL. With the path of a service
// proxy it is an apiserver or, without TLS, a kubectl proxy.
func (e *TransportError) refusedHint() string {
	_, service, proxied := strings.Cut(e.URL, "/namespaces/")
	switch proxied = proxied && strings.Contains(service, "/services/"); {
	case proxied && strings.HasPrefix(e.URL, "https:") && e.way != ByKubeconfig:
		return "no server listens there: is the apiserver running, and is that its address?"
	case proxied && strings.HasPrefix(e.URL, "https:"):
		return "no server listens there: is the apiserver running, and is its address right in the kubeconfig or in --server?"
	case proxied:
		return "no server listens there: is the kubectl proxy running, and is that its address?"
	default:
		return "no server listens there: check host and port, and that Heapster is running"
	}
}

// timeoutError is the end of one attempt's time. It is not a
// context.DeadlineExceeded, which would look like the end of the caller's time.
type timeoutError time.Duration

func (e timeoutError) Error() string {
	return fmt.Sprintf("no whole answer within %s", time.Duration(e))
}
