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

// TransportError is a request without a whole answer: no connection, no
// trust, no credentials to send, or no time left. It wraps
// [schema.ErrUnreachable], or [schema.ErrRefused] if credentials could not be
// had, and the cause.
type TransportError struct {
	URL string // without credentials, shortened
	Err error

	own         secrets
	handshake   bool // the TLS handshake was not over
	unconnected bool // nor was there a connection, when the time was over
	way         Way
}

// Error is one line. It leaves out what net/http quotes of an answer that is no
// HTTP, which may be anything, the request's own token too.
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

// lasts reports a failure that another try will not mend.
func (e *TransportError) lasts() bool {
	var refusal connectRefusal
	return e.noCredentials() || e.spacedToken() || errors.As(e.Err, &refusal) && !refusal.passes() || e.plainServer() || e.tlsServer() || e.alert() ||
		e.handshake && strings.Contains(e.Err.Error(), "tls: ")
}

// alert reports that the server ended the TLS handshake. (crypto/tls names the
// operation so, and does not export the alert itself.)
func (e *TransportError) alert() bool {
	var op *net.OpError
	return errors.As(e.Err, &op) && op.Op == "remote error"
}

// plainServer reports plain HTTP at an https URL.
func (e *TransportError) plainServer() bool {
	var record tls.RecordHeaderError
	return errors.Is(e.Err, http.ErrSchemeMismatch) || errors.As(e.Err, &record)
}

// tlsServer reports TLS at an http URL, where net/http has but a text to tell
// it by.
func (e *TransportError) tlsServer() bool {
	return strings.Contains(e.Err.Error(), `malformed HTTP response "\x15\x03`)
}

// Hint tells what to do about the failure.
func (e *TransportError) Hint() string {
	var refusal connectRefusal
	var dns *net.DNSError
	var op *net.OpError
	var timeout timeoutError
	switch {
	case e.noCredentials():
		return e.credentialHint()
	case e.spacedToken():
		return "the token has a line break in it: write it without, or have the plugin that gives it print it without"
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
		return "nothing answers at that address: is it right, and does a firewall or a missing VPN keep this machine from it?"
	case errors.As(e.Err, &timeout):
		return "Heapster or something in front of it is slow: raise --timeout or lower --concurrency"
	case errors.As(e.Err, &dns):
		return "the host's name does not resolve: is it spelled right, and does it exist outside the cluster?"
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return e.nobodyHint()
	case e.hungUp():
		return "the server, or a proxy on the way, hung up: is the scheme (http or https) right?"
	default:
		return "check the network between here and the server"
	}
}

// spacedToken reports credentials that no header can hold.
func (e *TransportError) spacedToken() bool {
	return strings.Contains(e.Err.Error(), `invalid header field value for "Authorization"`)
}

// beginURL says where the URL is written.
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

// nobodyHint names whom the URL expected: an apiserver, or a kubectl proxy,
// which speaks no TLS, by the path of their service proxy.
func (e *TransportError) nobodyHint() string {
	_, service, proxied := strings.Cut(e.URL, "/namespaces/")
	switch proxied = proxied && strings.Contains(service, "/services/"); {
	case proxied && strings.HasPrefix(e.URL, "https:") && e.way != ByKubeconfig:
		return "nothing listens there: is the apiserver running, and is that its address?"
	case proxied && strings.HasPrefix(e.URL, "https:"):
		return "nothing listens there: is the apiserver running, and is that its address, which the kubeconfig or --server gives?"
	case proxied:
		return "nothing listens there: is the kubectl proxy running, and is that its address?"
	default:
		return "nothing listens there: check host and port, and that Heapster is running"
	}
}

// timeoutError is the end of one attempt's time. It is deliberately no
// context.DeadlineExceeded, which would look like the end of the caller's.
type timeoutError time.Duration

func (e timeoutError) Error() string {
	return fmt.Sprintf("no whole answer within %s", time.Duration(e))
}
