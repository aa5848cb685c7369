package failure

import "strings"

// service is the service in a path of an apiserver's service proxy.
type service struct {
	namespace string
	name      string // as the URL spells it, such as http:heapster:; empty if the path has no service
	legacy    bool   // the path is the one that ended with Kubernetes 1.10
}

// serviceIn finds the service in a URL's path. The path may have a prefix.
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

// split returns the parts of the spelling [scheme:]name[:port].
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

// MissingPort returns the service and its port, as the URL spells it, if the apiserver
// found no endpoint for that port. It returns false for any other error.
func (e *StatusError) MissingPort() (namespace, name, port string, ok bool) {
	if e.service.name == "" || !e.FromAPIServer ||
		!strings.Contains(e.Message, "no endpoints available") && !strings.Contains(e.Message, "no service port") {
		return "", "", "", false
	}
	_, name, port = e.service.split()
	return e.service.namespace, name, port, true
}

// throughAPIServer reports whether the request went to an apiserver.
func (e *StatusError) throughAPIServer() bool { return e.way != ByURL || e.service.name != "" }
