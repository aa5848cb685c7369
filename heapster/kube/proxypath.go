package kube

import utilnet "k8s.io/apimachinery/pkg/util/net"

// ProxyPath names a form of the apiserver's proxy path.
type ProxyPath string

// The proxy paths.
const (
	Modern ProxyPath = "modern" // since Kubernetes 1.2
	Legacy ProxyPath = "legacy" // up to Kubernetes 1.9
	Auto   ProxyPath = "auto"   // the one that has an answer
)

// proxyPath returns the path of Heapster's service below the apiserver.
//
// RBAC compares a rule's resourceNames with the exact spelling of the service in the
// path. The modern path has kubectl top's spelling, http:heapster:. The legacy path
// has just heapster where that is enough, because users wrote it so in curl
// commands and in rules.
func (o Options) proxyPath(which ProxyPath) string {
	full := utilnet.JoinSchemeNamePort(o.Scheme, o.Service, o.Port)
	if which == Modern {
		return "/api/v1/namespaces/" + o.Namespace + "/services/" + full + "/proxy"
	}
	if o.Scheme == "http" && o.Port == "" {
		full = o.Service
	}
	return "/api/v1/proxy/namespaces/" + o.Namespace + "/services/" + full
}
