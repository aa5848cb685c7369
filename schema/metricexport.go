package schema

import "errors"

// ErrExportDisabled: Heapster was started with --disable_export and answers
// metric-export with an empty list. (It writes the same of a batch in which it
// has nothing to export; before its first batch it writes null.) It lasts.
var ErrExportDisabled = errors.New("metric-export is disabled")

// Exported is what Heapster's metric-export shows of one entity in the newest
// batch (metrics/api/v1/api.go): its identity, and the standard and the
// labelled metrics, unlike the model API's with signs and fractions as they
// are. What Heapster does not say is empty.
type Exported struct {
	// Entity is a node, a pod, a container or a system container. A pod's and
	// a container's Namespace is empty, as the export of Heapster since v1.4
	// does not name it: learn it by NamespaceID.
	//
	// Heapster calls a node's container machine and a pod's /pod here. A
	// system container of the name machine therefore looks like its node.
	Entity Entity

	Namespace   string // the name of a pod's or a container's namespace: Heapster v1.0 to v1.3 alone has it
	NamespaceID string // the UID of the same; empty where Heapster may not list namespaces
	PodUID      string // of a pod or a container
	Node        string // the nodename, which series go by, of what it runs on
	Hostname    string // of the same node
	HostID      string // the cloud provider's name for the same node

	// PodLabels are Kubernetes' labels of the pod, and of the node for a node,
	// in Heapster's own spelling: key:value pairs, sorted, joined by commas or
	// by what its --label_separator says.
	PodLabels string
	// BaseImage is the image that a container runs.
	BaseImage string

	// Unspelled are the spellings of label sets that another set has, too
	// ([MetricName.ReadLabels]), each once, sorted. Their values are in no row.
	Unspelled []string

	// Rows hold the values: one row for those without labels and one for each
	// label set, in the order of their labels. Their entities are Entity with
	// Labels set, so that the Namespace is to be filled in there, too.
	//
	// A float without a fraction is an integer here, since Heapster writes 2.0
	// as 2 (encoding/json does).
	Rows []Row
}
