package failure

import "strings"

// service is what an apiserver's service proxy is asked for.
type service struct {
	namespace string
	name      string // as the URL spells it, such as http:heapster:; empty if the path is another one
	legacy    bool   // by the path that ended with Kubernetes 1.10
}

// serviceIn finds the service in a URL's path, after any prefix.
func serviceIn(path string) service {
	var s service
	_, rest, found := strings.Cut(path, "/api/v1/namespaces/")
	if !found {
		s.legacy = true
		_, rest, found = strings.Cut(path, "/api/v1/proxy/namespaces/")
	}
	parts := strings.SplitN(rest, "/", 5) // namespace, services, name, proxy, what follows
	if !found || len(parts) < 4 || parts[1] != "services" || !s.legacy && parts[3] != "proxy" {
		return service{}
	}
	s.namespace, s.name = parts[0], parts[2]
	return s
}

// split takes the spelling apart: [scheme:]name[:port].
func (s service) split() (scheme, name, port string) {
	switch parts := strings.Split(s.name, ":"); len(parts) {
	case 1:
		return "http", s.name, ""
	case 2:
		return "http", parts[0], parts[1]
	default:
		return parts[0], parts[1], parts[2]
	}
}

// Portless tells which service's port, as the URL spells it, the apiserver
// found no endpoint of; ok is false for any other error.
func (e *StatusError) Portless() (namespace, name, port string, ok bool) {
	if e.service.name == "" || !e.FromAPIServer ||
		!strings.Contains(e.Message, "no endpoints available") && !strings.Contains(e.Message, "no service port") {
		return "", "", "", false
	}
	_, name, port = e.service.split()
	return e.service.namespace, name, port, true
}

// throughAPIServer reports whether an apiserver took the request.
func (e *StatusError) throughAPIServer() bool { return e.way != ByURL || e.service.name != "" }
