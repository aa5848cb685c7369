package failure

import (
	"net/http"
	"strings"

	"heapstash/heapster/wire"
)

// Hint tells what to do about the status.
func (e *StatusError) Hint() string {
	if e.FromAPIServer {
		return e.apiserverHint()
	}
	switch {
	case e.Location != "":
		return "redirects are not followed: " + e.way.choose(
			"if that is a log-in page, renew the credentials in the kubeconfig; if it is the apiserver's address, give that with --server or in the kubeconfig",
			"give the URL it points to, without what begins at "+wire.Model)
	case e.FromKubectlProxy():
		return e.kubectlProxyHint()
	case e.Code == http.StatusBadRequest && strings.Contains(e.Message, "HTTPS"):
		return e.tlsHint()
	case e.unreached() == apiserverUnreached:
		return "kubectl proxy cannot reach its apiserver: look at its kubeconfig, or restart it"
	case e.unreached() == podUnreached:
		return e.podHint()
	case e.answered && (e.isRejection() || e.HTML && e.Code/100 == 4):
		return filterHint + e.way.choose("", ", or give the credentials that it wants with --token-file or --client-cert-file")
	case e.HTML && e.Code >= 500:
		return "a gateway's page: what stands in front of " + e.way.choose("the apiserver", "Heapster") +
			" does not reach it, see its log; or is the URL that of a dashboard?"
	case e.HTML && e.Code != http.StatusUnauthorized:
		return e.way.htmlHint()
	case e.Code == http.StatusNotFound:
		return e.notFoundHint()
	case e.Code == http.StatusUnauthorized:
		return e.loginHint()
	case e.Code == http.StatusForbidden && e.throughAPIServer():
		return "neither Kubernetes nor Heapster refuses with such a text: what stands in front of the apiserver does, and has to let " +
			"paths of its service proxy pass"
	case e.Code == http.StatusForbidden:
		return "what stands in front of Heapster wants other credentials: give --token-file or --client-cert-file"
	case e.Code == http.StatusProxyAuthRequired:
		return "the HTTP proxy wants credentials: put them in HTTPS_PROXY, or name the host in NO_PROXY"
	case e.Code == http.StatusRequestURITooLong, e.Code == http.StatusRequestHeaderFieldsTooLarge:
		return "something in front of Heapster refuses long URLs: raise its limit to 8 kB"
	case e.Code == http.StatusTooManyRequests:
		return "the server is asked too much: lower --concurrency"
	case e.Code >= 500 && strings.HasSuffix(e.path, "/healthz"):
		return "Heapster has had no new metrics for three minutes: look at its log"
	case e.Code >= 500:
		return "look at Heapster's log, and at that of what stands in front of it"
	default:
		return ""
	}
}

// tlsHint is for plain HTTP to a server that speaks TLS and says so in plain
// HTTP: behind an apiserver's path it may be Heapster.
func (e *StatusError) tlsHint() string {
	const url = "the server speaks TLS: begin the URL with https://"
	switch _, name, port := e.service.split(); {
	case name == "":
		return url
	case e.way == ByURL:
		return url + ", or, if it is Heapster that does, spell the service https:" + name + ":" + port + " in it"
	case e.way == ByProxy:
		return "the server speaks TLS: begin the URL in --server with https://, or, if it is Heapster that does, use --heapster-scheme https"
	default:
		return "Heapster speaks TLS there: use --heapster-scheme https"
	}
}

// loginHint is for a 401 that is not known to be an apiserver's.
func (e *StatusError) loginHint() string {
	switch {
	case e.challenge == "negotiate", e.challenge == "ntlm":
		return "what stands there wants Kerberos or NTLM, which heapstash does not speak: use a way around it, such as `kubectl port-forward` and --heapster-url"
	case e.throughAPIServer():
		return e.credentialsHint()
	case e.challenge == "basic":
		return "what stands in front of Heapster wants a user and a password: put them into the URL, https://USER:PASSWORD@HOST"
	default:
		return "what stands in front of Heapster wants other credentials: give --token-file or --client-cert-file"
	}
}

// isRejection reports a status by which filters reject a path, and which
// Heapster never sends of itself.
func (e *StatusError) isRejection() bool {
	switch e.Code {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotAcceptable,
		http.StatusRequestEntityTooLarge, http.StatusTeapot, http.StatusUnavailableForLegalReasons:
		return true
	default:
		return false
	}
}

func (e *StatusError) notFoundHint() string {
	if e.answered {
		return "other paths are answered: what this one names is gone, Heapster is older than v1.3, or something on the way hides it"
	}
	if e.way == ByURL {
		return "no such path there: give the URL up to before " + wire.Model + "; Heapster has it all since v1.3"
	}
	return "no such path there: is that Heapster's service (--heapster-namespace, --heapster-service), and its port? Heapster has it all since v1.3"
}

func (w Way) htmlHint() string {
	if w == ByURL {
		return hintHTML
	}
	return "a web page answers there: is it the apiserver's address that the kubeconfig or --server gives, not a dashboard's or a log-in page's? " +
		"And is Heapster's service the one that --heapster-namespace and --heapster-service name?"
}
