package schema

import "errors"

// ErrExportDisabled: Heapster was started with --disable_export, so that
// metric-export answers with an empty list. This does not pass by itself. (An
// empty batch gives the same answer; before the first batch the answer is null.)
var ErrExportDisabled = errors.New("metric-export is disabled")

// Exported is one entity of Heapster's metric-export, in the newest batch
// (metrics/api/v1/api.go): its identity, its standard metrics and its labelled
// metrics. Unlike the model API, metric-export keeps signs and fractions. Fields
// that Heapster does not fill are empty.
type Exported struct {
	// Entity is a node, a pod, a container or a system container. The Namespace
	// of a pod or a container is empty: Heapster v1.4 and later do not export
	// it. NamespaceID leads to it.
	//
	// A system container with the name "machine" looks like its node, because
	// Heapster gives the node that name here.
	Entity Entity

	Namespace   string // the namespace's name; only Heapster v1.0 to v1.3 exports it
	NamespaceID string // the namespace's UID; empty if Heapster may not list namespaces
	PodUID      string // for a pod or a container
	Node        string // the nodename, by which series are asked for
	Hostname    string // the node's
	HostID      string // the cloud provider's name of the node

	// PodLabels are the Kubernetes labels of the pod or the node, as Heapster
	// spells them: key:value pairs, sorted, joined by commas or by Heapster's
	// --label_separator.
	PodLabels string
	// BaseImage is the image that a container runs.
	BaseImage string

	// Unspelled lists label sets, as they are spelled, whose spelling means
	// another set ([MetricName.ReadLabels]): each once, sorted. No row has their
	// values.
	Unspelled []string

	// Rows hold the values: one row for the metrics without labels and one for
	// each label set, in the order of their labels. The rows' entities have no
	// Namespace either.
	//
	// A float without a fraction is an integer here: Heapster writes 2.0 as 2.
	Rows []Row
}
