package heapster

// Way is how somebody came to the URL of a [Client]. A hint names only what
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

// byWay is embedded by errors whose hint depends on the way.
type byWay struct{ way Way }

func (b *byWay) setWay(way Way) { b.way = way }

// choose returns the text for the way: through a cluster's apiserver, or by
// Heapster's own URL.
func (b *byWay) choose(byAPIServer, byURL string) string {
	if b.way == ByURL {
		return byURL
	}
	return byAPIServer
}

// tellWay lets an error know the client's way.
func (c *Client) tellWay(err error) {
	if e, ok := err.(interface{ setWay(Way) }); ok {
		e.setWay(c.opts.Way)
	}
}
