package failure

// Way is how somebody came to the URL of a client. A hint names only what
// that way takes: a CA file goes with Heapster's own URL, and a kubeconfig has
// its own.
type Way int

// The ways.
const (
	ByURL        Way = iota // --heapster-url, with its own flags for TLS and tokens
	ByKubeconfig            // an apiserver, with what the kubeconfig says
	ByProxy                 // an apiserver without TLS and credentials, a kubectl proxy as a rule
	InPod                   // an apiserver, with the pod's service account
)

// choose returns the text for the way: through a cluster's apiserver, or by
// Heapster's own URL.
func (w Way) choose(byAPIServer, byURL string) string {
	if w == ByURL {
		return byURL
	}
	return byAPIServer
}
