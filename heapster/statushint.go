package heapster

import (
	"fmt"
	"net/http"
	"strings"
)

// Hint tells what to do about the status.
func (e *StatusError) Hint() string {
	if e.FromAPIServer {
		return e.apiserverHint()
	}
	switch {
	case e.Location != "":
		return "redirects are not followed: give the URL it points to, without what begins at " + model
	case e.fromKubectlProxy() && (strings.Contains(e.path, "/exec") || strings.Contains(e.path, "/attach")):
		return "kubectl proxy rejects paths that look like exec or attach: start it with " +
			"--reject-paths='^/api/v1/namespaces/[^/]+/pods/[^/]+/(exec|attach)', or use --kubeconfig"
	case e.fromKubectlProxy():
		return "if a kubectl proxy answers, it takes requests for localhost alone: ask it at 127.0.0.1, or start it with --accept-hosts"
	case e.Code == http.StatusBadRequest && strings.Contains(e.Message, "HTTPS"):
		return "the server speaks TLS: begin the URL with https://, or behind the apiserver use --heapster-scheme https"
	case strings.Contains(e.Message, "Trying to reach"), strings.HasPrefix(e.Message, "dial tcp "):
		return "kubectl proxy cannot reach its apiserver: look at its kubeconfig, or restart it"
	case e.HTML:
		return hintHTML
	case e.Code == http.StatusNotFound:
		return "no such path there: give the URL up to before " + model + "; Heapster has it all since v1.3"
	case e.Code == http.StatusUnauthorized, e.Code == http.StatusForbidden:
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

// fromKubectlProxy reports the text of kubectl proxy's own filter.
func (e *StatusError) fromKubectlProxy() bool {
	return e.Code == http.StatusForbidden && (e.Message == "Forbidden" || e.Message == "Unauthorized")
}

func (e *StatusError) apiserverHint() string {
	says := func(text string) bool { return strings.Contains(e.Message, text) }
	switch {
	case e.Code == http.StatusUnauthorized:
		return "the credentials are missing, wrong or expired: renew the token or log in again, and check the user in the kubeconfig"
	case e.Code == http.StatusForbidden && says("system:anonymous"):
		return "no credentials were sent: use a kubeconfig with a user, --token-file with --heapster-url, or a kubectl proxy with --server"
	case e.Code == http.StatusForbidden:
		rule, ok := e.Rule()
		if !ok {
			return "the user lacks a permission for this path: see the apiserver's message"
		}
		return fmt.Sprintf(`allow it with a Role in namespace %s: {apiGroups: [""], resources: [%q], verbs: [%q], resourceNames: [%q]}, and bind that to the user`,
			rule.Namespace, rule.Resource, rule.Verb, rule.Name)
	case e.Code == http.StatusNotFound && says("services "):
		return "find Heapster with `kubectl get services --all-namespaces` and name it with --heapster-namespace and --heapster-service"
	case e.Code == http.StatusNotFound:
		return "this apiserver has no such path: use --heapster-proxy-path modern (the legacy one ended with Kubernetes 1.10)"
	case says("no endpoints available"):
		return "no pod of the service is ready: look for Heapster's with `kubectl get pods` in that namespace"
	case says("no service port"):
		return "choose a port of the service with --heapster-port, by name or number"
	case says("HTTP response to HTTPS client"), says("tls: first record"):
		return "Heapster speaks plain HTTP there: use --heapster-scheme http"
	case says("error trying to reach service"):
		return "the apiserver does not reach Heapster's pod: is it running, and are --heapster-port and --heapster-scheme right?"
	case e.Code == http.StatusTooManyRequests:
		return "the apiserver is asked too much: lower --concurrency"
	default:
		return ""
	}
}
