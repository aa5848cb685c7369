package failure

import (
	"net/http"
	"slices"
	"strings"

	"heapstash/heapster/wire"
)

// Hint says what the user can do.
func (e *StatusError) Hint() string {
	if e.FromAPIServer {
		return e.apiserverHint()
	}
	switch {
	case e.Location != "":
		return "redirects are not followed: " + e.way.choose(
			"if the target is a log-in page, renew the credentials in the kubeconfig; if it is the apiserver's address, give that with --server or in the kubeconfig",
			"give the target's URL, without "+wire.Model+" and the rest")
	case e.FromKubectlProxy():
		return e.kubectlProxyHint()
	case e.Code == http.StatusBadRequest && strings.Contains(e.Message, "HTTPS"):
		return e.tlsHint()
	case e.unreached() == apiserverUnreached:
		return "kubectl proxy cannot reach its apiserver: look at its kubeconfig, or restart it"
	case e.unreached() == podUnreached:
		return e.podHint()
	case e.answered && (e.isRejection() || e.HTML && e.Code/100 == 4):
		return filterHint + e.way.choose("", ", or give the credentials that it requires with --token-file or --client-cert-file")
	case e.HTML && e.Code >= 500:
		return "the answer is a gateway's page: the server in front of " + e.way.choose("the apiserver", "Heapster") +
			" does not reach it, see its log; or is the URL that of a dashboard?"
	case e.HTML && e.Code != http.StatusUnauthorized:
		return e.way.htmlHint()
	case e.Code == http.StatusNotFound:
		return e.notFoundHint()
	case e.Code == http.StatusUnauthorized:
		return e.loginHint()
	case e.Code == http.StatusForbidden && e.throughAPIServer():
		return "neither Kubernetes nor Heapster refuses with such a text: a server in front of the apiserver does, and has to let " +
			"the paths of the service proxy pass"
	case e.Code == http.StatusForbidden:
		return frontCredentials
	case e.Code == http.StatusProxyAuthRequired:
		return "the HTTP proxy requires credentials: put them in HTTPS_PROXY, or name the host in NO_PROXY"
	case e.Code == http.StatusRequestURITooLong, e.Code == http.StatusRequestHeaderFieldsTooLarge:
		return "a server in front of Heapster refuses long URLs: raise its limit to 8 kB"
	case e.Code == http.StatusTooManyRequests:
		return "the server gets too many requests: lower --concurrency"
	case e.Code >= 500 && strings.HasSuffix(e.path, "/healthz"):
		return "Heapster has had no new metrics for three minutes: look at its log"
	case e.Code >= 500:
		return "look at Heapster's log, and at the log of any server in front of it"
	default:
		return ""
	}
}

// frontCredentials is for a server in front of Heapster that refuses the request.
const frontCredentials = "the server in front of Heapster requires other credentials: give --token-file or --client-cert-file"

// tlsHint is for a plain HTTP request to a TLS server that answers in plain HTTP.
// With an apiserver's path that server may be Heapster.
func (e *StatusError) tlsHint() string {
	const url = "the server speaks TLS: begin the URL with https://"
	switch _, name, port := e.service.split(); {
	case name == "":
		return url
	case e.way == ByURL:
		return url + ", or, if Heapster is that server, spell the service https:" + name + ":" + port + " in it"
	case e.way == ByProxy:
		return "the server speaks TLS: begin the URL in --server with https://, or, if Heapster is that server, use --heapster-scheme https"
	default:
		return "Heapster speaks TLS there: use --heapster-scheme https"
	}
}

// loginHint is for a 401 that may not be from an apiserver.
func (e *StatusError) loginHint() string {
	switch {
	case e.challenge == "negotiate", e.challenge == "ntlm":
		return "the server requires Kerberos or NTLM, which heapstash does not speak: go around it, for example with `kubectl port-forward` and --heapster-url"
	case e.throughAPIServer():
		return e.credentialsHint()
	case e.challenge == "basic":
		return "the server in front of Heapster requires a user and a password: put them into the URL, https://USER:PASSWORD@HOST"
	default:
		return frontCredentials
	}
}

// isRejection reports whether the status is one by which filters reject a path.
// Heapster itself sends none of them.
func (e *StatusError) isRejection() bool {
	return slices.Contains([]int{
		http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotAcceptable,
		http.StatusRequestEntityTooLarge, http.StatusTeapot, http.StatusUnavailableForLegalReasons,
	}, e.Code)
}

func (e *StatusError) notFoundHint() string {
	if e.answered {
		return "other paths have good answers: the service is gone, Heapster is older than v1.3, or a server on the way hides this path"
	}
	if e.way == ByURL {
		return "the server has no such path: give the URL without " + wire.Model + " and the rest; Heapster v1.3 and later have all paths"
	}
	return "the server has no such path: is it Heapster's service (--heapster-namespace, --heapster-service), and its port? Heapster v1.3 and later have all paths"
}

func (w Way) htmlHint() string {
	if w == ByURL {
		return hintHTML
	}
	return "the answer is a web page: is the address in the kubeconfig or --server the apiserver's, not that of a dashboard or a log-in page? " +
		"Do --heapster-namespace and --heapster-service name Heapster's service?"
}
