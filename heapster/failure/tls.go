package failure

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
)

// The settings of GODEBUG that switch on what crypto/tls has given up, or off
// what old servers cannot take. A test tries each of them on this version of
// Go.
const (
	debugOldTLS   = "GODEBUG=tlsrsakex=1,tls3des=1,tlssha1=1"
	debugSmall    = "GODEBUG=tlsmlkem=0"
	debugSerial   = "GODEBUG=x509negativeserial=1"
	debugShortRSA = "GODEBUG=rsa1024min=0"
	debugLongRSA  = "GODEBUG=tlsmaxrsasize=16384"
)

// set says where a setting of GODEBUG belongs, or that it is there already and
// does not help.
func set(debug string) string {
	for setting := range strings.SplitSeq(strings.TrimPrefix(debug, "GODEBUG="), ",") {
		if !slices.Contains(strings.Split(os.Getenv("GODEBUG"), ","), setting) {
			return "set " + debug + " in heapstash's environment"
		}
	}
	return debug + " is set and does not help"
}

// tlsHint tells what to do about a TLS handshake that failed for another reason
// than the server's certificate, "" if none did. crypto/tls exports neither its
// alerts nor its other errors, so that there are but texts to go by.
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
		return "Go refuses the server's certificate for its form: reissue it, " + e.oldKubectl()
	case says("-bit keys are insecure"):
		return "Go refuses the server's RSA key, which is shorter than 1024 bits: " + set(debugShortRSA) + ", or reissue the certificate with a longer key"
	case says("RSA key larger than"):
		return "Go refuses the server's long RSA key: " + set(debugLongRSA) + ", or reissue the certificate with a shorter key"
	case says("unsupported signature algorithm"), says("invalid signature algorithm"), says("unconfigured cipher suite"):
		return e.oldTLSHint()
	case says("peer doesn't support any of the certificate's signature algorithms"):
		return "the server takes no signature that goes with the client's certificate: " + set(debugOldTLS) + ", " + e.oldKubectl()
	case says("http2: client conn could not be established"):
		return "the server hung up after the TLS handshake: " + e.clientCertificate()
	case e.handshake && e.brokenOff():
		return "a firewall or load balancer cannot take the first message of TLS, which post-quantum keys make long, or nothing speaks TLS there: " +
			set(debugSmall) + ", or check host and port; " + e.oldKubectl()
	default:
		return ""
	}
}

// alertHint is for what the server says of itself.
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
		return "the server does not take the client's certificate: it must be signed by the CA that the server trusts for clients; " + e.renewCertificate()
	case says("bad certificate"), says("certificate required"):
		return "the server wants a client certificate, or another one: " + e.clientCertificate()
	case says("unrecognized name"):
		return "the server has no certificate for this name: " + e.otherName()
	case says("no application protocol"):
		return "the server speaks neither HTTP/2 nor HTTP/1.1 over this TLS: is it the right host and port?"
	case says("unexpected message"), says("error decoding message"), says("illegal parameter"), says("record overflow"), says("internal error"):
		return "the server, or a firewall before it, does not understand the first message of TLS, with its post-quantum keys: " +
			set(debugSmall) + "; " + e.oldKubectl()
	default:
		return "the server ended the TLS handshake: its log says why; " + e.oldKubectl()
	}
}

// brokenOff reports that the connection ended, or that nothing more came.
func (e *TransportError) brokenOff() bool {
	var timeout timeoutError
	return errors.As(e.Err, &timeout) || strings.Contains(e.Err.Error(), "TLS handshake timeout") || e.hungUp()
}

// hungUp reports that the other end closed the connection.
func (e *TransportError) hungUp() bool {
	return errors.Is(e.Err, io.EOF) || errors.Is(e.Err, io.ErrUnexpectedEOF) || errors.Is(e.Err, syscall.ECONNRESET) || errors.Is(e.Err, syscall.EPIPE)
}

func (e *TransportError) versionHint() string {
	return "the server speaks no TLS newer than 1.1, and Go none older than 1.2: upgrade the server's TLS, or set its newest version to TLS 1.2; " + e.oldKubectl()
}

// oldTLSHint is for the alert that stands for nearly everything.
func (e *TransportError) oldTLSHint() string {
	return "Go and the server have no cipher, key exchange or curve in common: " + set(debugOldTLS) +
		"; or the server wants a client certificate: " + e.clientCertificate() + "; " + e.oldKubectl()
}

// clientCertificate says where the client's certificate belongs.
func (e *TransportError) clientCertificate() string {
	switch e.way {
	case ByURL:
		return "give one with --client-cert-file and --client-key-file"
	case InPod:
		return "the pod's service account has none, so use a kubeconfig with one"
	default:
		return "give the kubeconfig's user one as client-certificate and client-key"
	}
}

func (e *TransportError) renewCertificate() string {
	switch e.way {
	case ByURL:
		return "renew the one that --client-cert-file and --client-key-file name"
	case InPod:
		return "use a kubeconfig with a good one"
	default:
		return "renew the one of the kubeconfig's user (client-certificate and client-key)"
	}
}

// otherName says how to ask for another name of the server.
func (e *TransportError) otherName() string {
	if e.way == ByURL {
		return "use one of the certificate's names in the URL"
	}
	return "write one of the certificate's names as tls-server-name into the kubeconfig's cluster, or use it in the server's URL"
}

// authorityPlace says where the CA belongs.
func (e *TransportError) authorityPlace() string {
	switch e.way {
	case ByURL:
		return "with --ca-file"
	case InPod:
		return "as certificate-authority in a kubeconfig, since the pod's service account brings another one"
	default:
		return "as certificate-authority of the kubeconfig's cluster"
	}
}

// oldKubectl is the way out that always works.
func (e *TransportError) oldKubectl() string {
	const how = "let a kubectl of the cluster's age connect: run its `kubectl proxy`, and give --server http://127.0.0.1:8001"
	if e.way == ByURL {
		return "or " + how + " in the place of --heapster-url"
	}
	return "or " + how
}
