package kube

import utilnet "k8s.io/apimachinery/pkg/util/net"

// ProxyPath names a path of the apiserver's service proxy.
type ProxyPath string

// The proxy paths.
const (
	Modern ProxyPath = "modern" // since Kubernetes 1.2
	Legacy ProxyPath = "legacy" // up to Kubernetes 1.9
	Auto   ProxyPath = "auto"   // whichever answers
)

// proxyPath returns the path of Heapster's service below the apiserver.
//
// RBAC compares a rule's resourceNames with the very spelling of the service
// in it. The modern one is spelled as kubectl top spells it: http:heapster:.
// The legacy one is plain heapster where that is enough, as people who used
// it by hand wrote it, and their rules.
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
