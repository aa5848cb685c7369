package failure

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
)

// The settings of GODEBUG that switch on old forms of TLS, or off new ones that old
// servers cannot read. A test tries each of them with this version of Go.
const (
	debugOldTLS   = "GODEBUG=tlsrsakex=1,tls3des=1,tlssha1=1"
	debugSmall    = "GODEBUG=tlsmlkem=0"
	debugSerial   = "GODEBUG=x509negativeserial=1"
	debugShortRSA = "GODEBUG=rsa1024min=0"
	debugLongRSA  = "GODEBUG=tlsmaxrsasize=16384"
)

// set says where to put a setting of GODEBUG, or that it is set and does not help.
func set(debug string) string {
	for setting := range strings.SplitSeq(strings.TrimPrefix(debug, "GODEBUG="), ",") {
		if !slices.Contains(strings.Split(os.Getenv("GODEBUG"), ","), setting) {
			return "set " + debug + " in heapstash's environment"
		}
	}
	return debug + " is set and does not help"
}

// tlsHint is for a TLS handshake that failed for another reason than the server's
// certificate. It is empty for other errors. crypto/tls exports neither its alerts
// nor its other errors, so that only their texts tell.
func (e *TransportError) tlsHint() string {
	text := e.Err.Error()
	says := func(part string) bool { return strings.Contains(text, part) }
	switch {
	case e.alert():
		return e.alertHint(says)
	case says("server selected unsupported protocol version"):
		return e.versionHint()
	case says("negative serial number"):
		return "Go refuses the server's certificate, whose serial number is negative: " + set(debugSerial) + ", or reissue the certificate"
	case says("failed to parse certificate from server"):
		return "Go refuses the form of the server's certificate: reissue it, " + e.oldKubectl()
	case says("-bit keys are insecure"):
		return "Go refuses the server's RSA key, which is shorter than 1024 bits: " + set(debugShortRSA) + ", or reissue the certificate with a longer key"
	case says("RSA key larger than"):
		return "Go refuses the server's long RSA key: " + set(debugLongRSA) + ", or reissue the certificate with a shorter key"
	case says("unsupported signature algorithm"), says("invalid signature algorithm"), says("unconfigured cipher suite"):
		return e.oldTLSHint()
	case says("peer doesn't support any of the certificate's signature algorithms"):
		return "the server accepts no signature algorithm of the client's certificate: " + set(debugOldTLS) + ", " + e.oldKubectl()
	case says("http2: client conn could not be established"):
		return "the server closed the connection after the TLS handshake: " + e.clientCertificate()
	case e.handshake && e.brokenOff():
		return "a firewall or load balancer drops the first TLS message, which post-quantum keys make long, or no TLS server is there: " +
			set(debugSmall) + ", or check host and port; " + e.oldKubectl()
	default:
		return ""
	}
}

// alertHint is for an alert of the server.
func (e *TransportError) alertHint(says func(string) bool) string {
	switch {
	case says("protocol version not supported"):
		return e.versionHint()
	case says("handshake failure"), says("insufficient security"):
		return e.oldTLSHint()
	case says("expired certificate"):
		return "the server says that the client's certificate has expired: " + e.renewCertificate()
	case says("revoked certificate"):
		return "the server says that the client's certificate is revoked: " + e.renewCertificate()
	case says("unknown certificate authority"), says("unknown certificate"), says("unsupported certificate"), says("access denied"):
		return "the server refuses the client's certificate, which must be signed by the CA that the server trusts for clients; " + e.renewCertificate()
	case says("bad certificate"), says("certificate required"):
		return "the server requires a client certificate, or another one: " + e.clientCertificate()
	case says("unrecognized name"):
		return "the server has no certificate for this name: " + e.otherName()
	case says("no application protocol"):
		return "the server speaks neither HTTP/2 nor HTTP/1.1 over this TLS: are host and port right?"
	case says("unexpected message"), says("error decoding message"), says("illegal parameter"), says("record overflow"), says("internal error"):
		return "the server, or a firewall in front of it, does not understand the first TLS message with its post-quantum keys: " +
			set(debugSmall) + "; " + e.oldKubectl()
	default:
		return "the server ended the TLS handshake: its log says why; " + e.oldKubectl()
	}
}

// brokenOff reports whether the connection ended, or nothing more came.
func (e *TransportError) brokenOff() bool {
	var timeout timeoutError
	return errors.As(e.Err, &timeout) || strings.Contains(e.Err.Error(), "TLS handshake timeout") || e.hungUp()
}

// hungUp reports whether the other side closed the connection.
func (e *TransportError) hungUp() bool {
	return errors.Is(e.Err, io.EOF) || errors.Is(e.Err, io.ErrUnexpectedEOF) || errors.Is(e.Err, syscall.ECONNRESET) || errors.Is(e.Err, syscall.EPIPE)
}

func (e *TransportError) versionHint() string {
	return "the server's newest TLS is 1.1, and Go's oldest is 1.2: upgrade the server's TLS, or set its newest version to TLS 1.2; " + e.oldKubectl()
}

// oldTLSHint is for an alert that has many reasons.
func (e *TransportError) oldTLSHint() string {
	return "Go and the server have no cipher, key exchange or curve in common: " + set(debugOldTLS) +
		"; or the server requires a client certificate: " + e.clientCertificate() + "; " + e.oldKubectl()
}

// clientCertificate says where to give the client's certificate.
func (e *TransportError) clientCertificate() string {
	return e.way.chooseFile("give one with --client-cert-file and --client-key-file",
		"the pod's service account has none, so use a kubeconfig with one",
		"give the kubeconfig's user one as client-certificate and client-key")
}

func (e *TransportError) renewCertificate() string {
	return e.way.chooseFile("renew the files in --client-cert-file and --client-key-file",
		"use a kubeconfig with a good certificate",
		"renew client-certificate and client-key of the kubeconfig's user")
}

// authorityPlace says where to give the CA.
func (e *TransportError) authorityPlace() string {
	return e.way.chooseFile("with --ca-file",
		"as certificate-authority in a kubeconfig, since the pod's service account brings another one",
		"as certificate-authority of the kubeconfig's cluster")
}

// otherName says how to use another name of the server.
func (e *TransportError) otherName() string {
	return e.way.choose("write one of the certificate's names as tls-server-name into the kubeconfig's cluster, or use it in the server's URL",
		"use one of the certificate's names in the URL")
}

// oldKubectl always works.
func (e *TransportError) oldKubectl() string {
	return "or let a kubectl of the cluster's age connect: run its `kubectl proxy`, and give --server http://127.0.0.1:8001" +
		e.way.choose("", " instead of --heapster-url")
}
