package failure

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"heapstash/heapster/wire"
)

// isAPIServerText reports whether an apiserver wrote the message as text. Up to
// Kubernetes 1.5 its authentication and authorization answered with text, and up
// to 1.18 its service proxy.
func (e *StatusError) isAPIServerText() bool {
	if !e.throughAPIServer() {
		return false
	}
	switch e.Code {
	case http.StatusUnauthorized:
		return e.Message == "Unauthorized"
	case http.StatusForbidden:
		return strings.HasPrefix(e.Message, `Forbidden: "/`) || deniedUser.MatchString(e.Message)
	default:
		return e.service.name != "" && e.unreached() == podUnreached
	}
}

// unreached is the server that a proxy did not reach.
type unreached int

const (
	nothingUnreached   unreached = iota
	podUnreached                 // the apiserver did not reach Heapster's pod
	apiserverUnreached           // a kubectl proxy did not reach its apiserver
)

// triedURL matches the end of such a text from kubectl proxy, and from the
// service proxy up to Kubernetes 1.18.
var triedURL = regexp.MustCompile(`Trying to reach: '([^']*)`)

// unreached tells the two proxies apart by the URL that they quote: only kubectl
// proxy quotes the path of a service. If the user's own URL has no service in it
// (another server asks the apiserver), Heapster's path in the quoted URL means the
// pod.
func (e *StatusError) unreached() unreached {
	tried := triedURL.FindStringSubmatch(e.Message)
	switch {
	case strings.Contains(e.Message, "error trying to reach service"):
		return podUnreached
	case tried == nil && strings.HasPrefix(e.Message, "dial tcp "):
		return apiserverUnreached
	case tried == nil:
		return nothingUnreached
	case strings.Contains(tried[1], "/services/"), e.service.name == "" && !strings.Contains(tried[1], wire.Model):
		return apiserverUnreached
	default:
		return podUnreached
	}
}

func (e *StatusError) apiserverHint() string {
	says := func(text string) bool { return strings.Contains(e.Message, text) }
	switch {
	case e.Code == http.StatusUnauthorized:
		return e.credentialsHint()
	case e.Code == http.StatusForbidden && says("system:anonymous"):
		return "no credentials were sent: " + e.way.choose(
			"use a kubeconfig whose context has a user (--kubeconfig, --context), or a kubectl proxy that has one (--server)",
			"give --token-file, or --client-cert-file and --client-key-file")
	case e.Code == http.StatusForbidden:
		return e.roleHint()
	case e.Code == http.StatusNotFound && says("services "):
		return "find Heapster with `kubectl get services --all-namespaces` and name it " + e.way.choose(
			"with --heapster-namespace and --heapster-service", "in the URL: .../namespaces/NAMESPACE/services/NAME/proxy")
	case e.Code == http.StatusNotFound && e.service.legacy:
		return "this apiserver has no such path, which ended with Kubernetes 1.10: use " + e.way.choose(
			"--heapster-proxy-path modern", "/api/v1/namespaces/NAMESPACE/services/NAME/proxy in the URL")
	case e.Code == http.StatusNotFound:
		return "this apiserver has no such path: use " + e.way.choose(
			"--heapster-proxy-path modern (the legacy one ended with Kubernetes 1.10), or legacy up to 1.1",
			"/api/v1/namespaces/NAMESPACE/services/NAME/proxy in the URL, or up to 1.1 /api/v1/proxy/namespaces/NAMESPACE/services/NAME")
	case says("no endpoints available"):
		return e.endpointsHint()
	case says("no service port"):
		return e.choosePort() + ", " + e.seePorts()
	case e.unreached() == podUnreached:
		return e.podHint()
	case e.Code == http.StatusTooManyRequests:
		return "the apiserver gets too many requests: lower --concurrency"
	default:
		return ""
	}
}

func (e *StatusError) credentialsHint() string {
	hint := "the credentials are missing, wrong or expired: "
	switch {
	case e.way == ByURL:
		hint += "renew the token in --token-file, or the certificate in --client-cert-file"
	case e.way == InPod:
		hint += "they are those of the pod's service account: is its token mounted, and is it from this cluster?"
	case e.way == ByProxy:
		hint += "renew the token or log in again, and check the user in the kubeconfig of the kubectl proxy"
	default:
		hint += "renew the token or log in again, and check the user in the kubeconfig"
	}
	if strings.HasPrefix(e.service.name, "https:") && !strings.Contains(e.Reason, "Unauthorized") {
		hint += "; or Heapster requires a client certificate (its --tls-client-ca), which an apiserver does not send"
	}
	return hint
}

func (e *StatusError) roleHint() string {
	rule, ok := e.Rule()
	if !ok {
		return "the user lacks a permission for this path: see the apiserver's message"
	}
	hint := fmt.Sprintf(`allow it with a Role in namespace %s: {apiGroups: [""], resources: [%q], verbs: [%q], resourceNames: [%q]}, and bind that to the user`,
		rule.Namespace, rule.Resource, rule.Verb, rule.Name)
	if strings.Contains(e.Message, "No policy matched") {
		hint += "; where the apiserver runs without RBAC, add a line for the user to its policy file (ABAC)"
	}
	return hint
}

// endpointsHint tells two cases apart: for a service without endpoints the
// apiserver quotes the bare name, for one without the port the whole spelling. If
// the spelling is the bare name, it may be either.
func (e *StatusError) endpointsHint() string {
	scheme, name, port := e.service.split()
	none := "no pod of the service is ready: look for Heapster's with `kubectl get pods` in that namespace"
	match := fmt.Sprintf("the apiserver compares the port's name, and %q is not a port's name", port)
	if port == "" {
		match = "the apiserver compares the port's name, and an empty name fits only a port without a name"
	}
	switch quoted := fmt.Sprintf("service %q", e.service.name); {
	case name == "" || !strings.Contains(e.Message, quoted):
		return none
	case name == e.service.name:
		return none + "; if one is ready, " + match + ": " + e.choosePort() + ", " + e.seePorts()
	default:
		role := fmt.Sprintf("%s:%s:NAME", scheme, name)
		return "no ready pod has that port: " + match + ": " + e.choosePort() + ", " + e.seePorts() +
			fmt.Sprintf(" (a Role then names %q); or no pod is ready", role)
	}
}

func (e *StatusError) choosePort() string {
	return "choose a port of the service " + e.way.choose("with --heapster-port, by name or number",
		"in the URL: services/http:NAME:PORT, by name or number")
}

func (e *StatusError) seePorts() string {
	_, name, _ := e.service.split()
	return fmt.Sprintf("which `kubectl --namespace %s get service %s --output yaml` shows", e.service.namespace, name)
}

// podHint is for a pod that the apiserver does not reach.
func (e *StatusError) podHint() string {
	says := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(e.Message, text) })
	}
	_, name, port := e.service.split()
	scheme := func(scheme string) string {
		if name == "" {
			return fmt.Sprintf("the server in front of the apiserver has to ask for the service as %s:NAME:PORT", scheme)
		}
		return e.way.choose("use --heapster-scheme "+scheme, fmt.Sprintf("spell the service %s:%s:%s in the URL", scheme, name, port))
	}
	switch {
	case says("HTTP response to HTTPS client", "tls: first record", "tls: oversized record"):
		return "Heapster speaks plain HTTP there: " + scheme("http")
	case says("malformed HTTP response \"\\x15\\x03"):
		return "Heapster speaks TLS there: " + scheme("https")
	case says("SSH tunnel", "No agent available"):
		return "the apiserver's tunnels to the nodes are down, so that `kubectl logs` and exec fail too: repair the tunnels first"
	case says("i/o timeout", "no route to host", "network is unreachable", "context deadline exceeded"):
		return "the apiserver's machine has no route to Heapster's pod: check the pod's node, and the route and the firewall to the pod network. " +
			"Without such a route, use `kubectl port-forward` to the pod, and --heapster-url" + e.way.choose(" instead", " with its address")
	case name == "":
		return "the apiserver does not reach Heapster's pod: is it running, and does the server in front of the apiserver " +
			"ask for the right scheme and port (services/SCHEME:NAME:PORT)?"
	default:
		return "the apiserver does not reach Heapster's pod: is it running, and are " + e.way.choose(
			"--heapster-port and --heapster-scheme right?", "the scheme and the port in the URL right (services/SCHEME:NAME:PORT)?")
	}
}
