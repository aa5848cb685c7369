package heapsim

import (
	"time"

	"heapstash/schema"
)

// Batch is the result of one scrape by Heapster: the metric sets of all entities,
// with the same time. The tests' real Heapster reads its JSON.
type Batch struct {
	// At is the time of every value in the batch. Heapster uses the start of its
	// interval; here it may be any time, in any order.
	At time.Time `json:"at"`
	// Sets has a set for each entity. If there are several, the last counts.
	Sets []Set `json:"sets"`
}

// Set has the metrics of one entity in a batch (core.MetricSet in Heapster).
type Set struct {
	// Entity has no resource labels: they are in Labelled.
	Entity schema.Entity `json:"entity"`
	// Since is the time at which the entity's counters began; metric-export
	// shows it.
	Since time.Time `json:"since,omitzero"`
	// Values are the metrics without labels. In Heapster as in JSON, 2 is an
	// integer and 2.0 a float.
	Values map[schema.MetricName]schema.Value `json:"values,omitempty"`
	// Labelled are the metrics with labels.
	Labelled []Labelled `json:"labelled,omitempty"`
	// Attributes are Heapster's labels of the set itself: hostname, nodename,
	// host_id, pod_id, namespace_id, labels, container_base_image. The entity's
	// own names may be left out: the default of a node's or a system container's
	// hostname and nodename is the entity's node.
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Labelled is one value of a labelled metric.
type Labelled struct {
	Metric schema.MetricName `json:"metric"`
	Labels map[string]string `json:"labels"`
	Value  schema.Value      `json:"value"`
}
