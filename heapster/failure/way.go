package failure

// Way is how the user gave the URL of a client. A hint names only the settings of
// that way: a CA file belongs to Heapster's own URL, because a kubeconfig has its
// own.
type Way int

// The ways.
const (
	ByURL        Way = iota // --heapster-url, with its own flags for TLS and tokens
	ByKubeconfig            // an apiserver, with what the kubeconfig says
	ByProxy                 // an apiserver without TLS and credentials, usually a kubectl proxy
	InPod                   // an apiserver, with the pod's service account
)

// chooseFile returns the text for the place where the way has its files.
func (w Way) chooseFile(flags, account, kubeconfig string) string {
	switch w {
	case ByURL:
		return flags
	case InPod:
		return account
	default:
		return kubeconfig
	}
}

// choose returns the text for the way: through an apiserver, or by Heapster's own
// URL.
func (w Way) choose(byAPIServer, byURL string) string {
	if w == ByURL {
		return byURL
	}
	return byAPIServer
}
