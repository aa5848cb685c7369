package heapster

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
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

	own secrets
	byWay
}

// noAnswer takes what http.Client.Do returns. It has but texts to tell endless
// headers by.
func noAnswer(u *url.URL, err error, own secrets) error {
	var wrapped *url.Error // it repeats the whole URL
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	says := func(text string) bool { return strings.Contains(err.Error(), text) }
	switch {
	case says("response headers exceeded"), says("response header list larger"):
		return &ProtocolError{URL: shortURL(u), Message: "an answer with too long a header"}
	default:
		return &TransportError{URL: shortURL(u), Err: err, own: own}
	}
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
	return e.URL + ": " + oneLine(e.own.scrub(WithoutUserinfo(text)))
}

// Unwrap returns the sentinel of package schema and the cause.
func (e *TransportError) Unwrap() []error {
	if e.noCredentials() {
		return []error{schema.ErrRefused, e.Err}
	}
	return []error{schema.ErrUnreachable, e.Err}
}

// lasts reports a failure that another try will not mend.
func (e *TransportError) lasts() bool {
	var certificate *tls.CertificateVerificationError
	return e.noCredentials() || e.plainServer() || e.tlsServer() || e.alert() ||
		errors.As(e.Err, &certificate)
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
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var dns *net.DNSError
	var op *net.OpError
	var timeout timeoutError
	switch {
	case e.noCredentials():
		return e.credentialHint()
	case errors.As(e.Err, &op) && op.Op == "proxyconnect":
		return "the proxy in HTTPS_PROXY or HTTP_PROXY cannot be reached: mend it, or name the host in NO_PROXY"
	case errors.As(e.Err, &authority):
		return "give the CA that signed the server's certificate with --ca-file, or in the kubeconfig"
	case errors.As(e.Err, &hostname):
		return "the certificate is for other names: use one of them in the URL"
	case errors.As(e.Err, &invalid):
		return "the server's certificate is not valid: renew it, and check the clock here"
	case e.alert():
		return "the server ended the TLS handshake: does it want a client certificate, or another one?"
	case e.plainServer():
		return "the server speaks plain HTTP: begin the URL with http://"
	case e.tlsServer():
		return "the server speaks TLS: begin the URL with https://"
	case errors.As(e.Err, &timeout):
		return "Heapster or something in front of it is slow: raise --timeout or lower --concurrency"
	case errors.As(e.Err, &dns):
		return "the host's name does not resolve: is it spelled right, and does it exist outside the cluster?"
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return e.nobodyHint()
	case errors.Is(e.Err, io.EOF), errors.Is(e.Err, syscall.ECONNRESET), errors.Is(e.Err, syscall.EPIPE),
		strings.Contains(e.Err.Error(), "http2: client conn could not be established"):
		return "the server hung up: is the scheme (http or https) right, and does it want a client certificate?"
	default:
		return "check the network between here and the server"
	}
}

// nobodyHint names whom the URL expected: an apiserver, or a kubectl proxy,
// which speaks no TLS, by the path of their service proxy.
func (e *TransportError) nobodyHint() string {
	_, service, proxied := strings.Cut(e.URL, "/namespaces/")
	switch proxied = proxied && strings.Contains(service, "/services/"); {
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
