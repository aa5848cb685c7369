package failure

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"heapstash/heapster/wire"
)

// isAPIServerText reports whether a text is an apiserver's. Up to Kubernetes
// 1.5 its authentication and authorization answered with text, and up to 1.18
// its service proxy did.
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

// unreached is who could not be reached.
type unreached int

const (
	nobodyUnreached    unreached = iota
	podUnreached                 // by the apiserver
	apiserverUnreached           // by a kubectl proxy
)

// triedURL is how the service proxy up to Kubernetes 1.18, and kubectl proxy,
// end a text about a server that they could not reach.
var triedURL = regexp.MustCompile(`Trying to reach: '([^']*)`)

// unreached tells the two proxies apart by the URL that they quote: only
// kubectl proxy's leads on to a service. Whoever asks by a URL of something
// that asks an apiserver does not see the service in it, and tells the pod by
// Heapster's path.
func (e *StatusError) unreached() unreached {
	tried := triedURL.FindStringSubmatch(e.Message)
	switch {
	case strings.Contains(e.Message, "error trying to reach service"):
		return podUnreached
	case tried == nil && strings.HasPrefix(e.Message, "dial tcp "):
		return apiserverUnreached
	case tried == nil:
		return nobodyUnreached
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
		return "the apiserver is asked too much: lower --concurrency"
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
		hint += "they are the pod's service account's: is its token mounted, and from this cluster?"
	case e.way == ByProxy:
		hint += "renew the token or log in again, and check the user in the kubeconfig of the kubectl proxy"
	default:
		hint += "renew the token or log in again, and check the user in the kubeconfig"
	}
	if strings.HasPrefix(e.service.name, "https:") && !strings.Contains(e.Reason, "Unauthorized") {
		hint += "; or it is Heapster that wants a client certificate (its --tls-client-ca), which an apiserver does not send"
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

// endpointsHint tells an empty set of endpoints, for which the apiserver
// quotes the service's bare name, from one without the port, for which it
// quotes the whole spelling. A spelling that is bare may be either.
func (e *StatusError) endpointsHint() string {
	scheme, name, port := e.service.split()
	none := "no pod of the service is ready: look for Heapster's with `kubectl get pods` in that namespace"
	match := "it goes by the port's name, and " + e.portMeant(port)
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

func (e *StatusError) portMeant(port string) string {
	if port == "" {
		return "an empty one fits only a port without a name"
	}
	return fmt.Sprintf("%q is not the name of one", port)
}

func (e *StatusError) choosePort() string {
	return "choose a port of the service " + e.way.choose("with --heapster-port, by name or number",
		"in the URL: services/http:NAME:PORT, by name or number")
}

func (e *StatusError) seePorts() string {
	_, name, _ := e.service.split()
	return fmt.Sprintf("which `kubectl --namespace %s get service %s --output yaml` shows", e.service.namespace, name)
}

// podHint is about a pod that the apiserver does not reach.
func (e *StatusError) podHint() string {
	says := func(texts ...string) bool {
		for _, text := range texts {
			if strings.Contains(e.Message, text) {
				return true
			}
		}
		return false
	}
	_, name, port := e.service.split()
	scheme := func(scheme string) string {
		if name == "" {
			return fmt.Sprintf("what stands in front of the apiserver has to ask for the service as %s:NAME:PORT", scheme)
		}
		return e.way.choose("use --heapster-scheme "+scheme, fmt.Sprintf("spell the service %s:%s:%s in the URL", scheme, name, port))
	}
	switch {
	case says("HTTP response to HTTPS client", "tls: first record", "tls: oversized record"):
		return "Heapster speaks plain HTTP there: " + scheme("http")
	case says("malformed HTTP response \"\\x15\\x03"):
		return "Heapster speaks TLS there: " + scheme("https")
	case says("SSH tunnel", "No agent available"):
		return "the apiserver's tunnels to the nodes are down, and with them `kubectl logs` and exec: mend those first"
	case says("i/o timeout", "no route to host", "network is unreachable", "context deadline exceeded"):
		return "the apiserver's machine has no way to Heapster's pod: are the pod's node and the route or firewall to the pod network in order? " +
			"Without such a route, use `kubectl port-forward` to the pod, and --heapster-url" + e.way.choose(" in the place of this way", " with its address")
	case name == "":
		return "the apiserver does not reach Heapster's pod: is it running, and does what stands in front of the apiserver " +
			"ask for the right scheme and port (services/SCHEME:NAME:PORT)?"
	default:
		return "the apiserver does not reach Heapster's pod: is it running, and are " + e.way.choose(
			"--heapster-port and --heapster-scheme right?", "the scheme and the port in the URL right (services/SCHEME:NAME:PORT)?")
	}
}
