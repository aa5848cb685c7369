package collect

import (
	"fmt"

	"heapstash/schema"
)

// ForeignClusterError is that Heapster lists none of the nodes that the store has
// under the cluster's name.
type ForeignClusterError struct {
	Cluster string
	Found   string // a node that Heapster lists
	Known   string // a node that the store has
}

func (e *ForeignClusterError) Error() string {
	return fmt.Sprintf("this is not the cluster %q: Heapster lists node %s and others, the archive knows %s and others, and none is the same",
		e.Cluster, e.Found, e.Known)
}

// Hint says what to do next.
func (e *ForeignClusterError) Hint() string {
	return "give another cluster a name of its own with --cluster-name; if its nodes were all replaced, run collect --accept-new-nodes once"
}

// checkNodes refuses a cluster without any node of the last pass, so that two
// clusters do not get mixed by mistake.
func (p *pass) checkNodes(found discovery) error {
	if p.AcceptNewNodes {
		return nil
	}
	known, listed := "", ""
	for e, lastSeen := range p.memory.Entities {
		if e.Kind == schema.Node && lastSeen == 0 {
			if found.present[e] {
				return nil
			}
			known = max(known, e.Node)
		}
	}
	for e := range found.present {
		if e.Kind == schema.Node && (listed == "" || e.Node < listed) {
			listed = e.Node
		}
	}
	if known == "" || listed == "" {
		return nil
	}
	return &ForeignClusterError{Cluster: p.Cluster, Found: listed, Known: known}
}
