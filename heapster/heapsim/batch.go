package heapsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"heapstash/schema"
)

// Batch is the result of one scrape by Heapster: the metric sets of all entities,
// with the same time.
//
// In JSON a batch is
//
//	{"at": "2017-09-27T07:09:00Z", "sets": [...]}
//
// with the time in RFC 3339, UTC. See [Set] for the sets.
type Batch struct {
	// At is the time of every value in the batch. Heapster uses the start of its
	// interval; here it may be any time, in any order.
	At time.Time
	// Sets has a set for each entity. If there are several, the last counts.
	Sets []Set
}

// Set has the metrics of one entity in a batch (core.MetricSet in Heapster).
//
// In JSON a set is an object with these members, all optional except kind:
//
//	kind, node, namespace, pod, container    strings, which name the entity
//	since                                    RFC 3339, UTC
//	values                                   {"memory/usage": 4096, ...}
//	labelled                                 [{"metric": "filesystem/usage",
//	                                           "labels": {"resource_id": "/dev/sda1"},
//	                                           "value": 1}, ...]
//	attributes                               {"pod_id": "...", ...}
//
// A number without a fraction and an exponent is a signed integer of 64 bits. Any
// other number is a float: 2 and 2.0 differ, as they do in Heapster. NaN and the
// infinities have no JSON form.
type Set struct {
	// Entity has no resource labels: they are in Labelled.
	Entity schema.Entity
	// Since is the time at which the entity's counters began; metric-export
	// shows it.
	Since time.Time
	// Values are the metrics without labels.
	Values map[schema.MetricName]schema.Value
	// Labelled are the metrics with labels.
	Labelled []Labelled
	// Attributes are Heapster's labels of the set itself: hostname, nodename,
	// host_id, pod_id, namespace_id, labels, container_base_image. The entity's
	// own names may be left out: the default of a node's or a system container's
	// hostname and nodename is the entity's node.
	Attributes map[string]string
}

// Labelled is one value of a labelled metric.
type Labelled struct {
	Metric schema.MetricName
	Labels map[string]string
	Value  schema.Value
}

type batchJSON struct {
	At   time.Time `json:"at"`
	Sets []Set     `json:"sets"`
}

// MarshalJSON writes the form in the type's comment.
func (b Batch) MarshalJSON() ([]byte, error) {
	return json.Marshal(batchJSON{b.At.UTC(), b.Sets})
}

// UnmarshalJSON is the inverse of MarshalJSON. It refuses unknown members.
func (b *Batch) UnmarshalJSON(text []byte) error {
	var decoded batchJSON
	if err := decodeStrictly(text, &decoded); err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	*b = Batch{decoded.At.UTC(), decoded.Sets}
	return nil
}

type setJSON struct {
	Kind       schema.Kind                      `json:"kind"`
	Node       string                           `json:"node,omitempty"`
	Namespace  string                           `json:"namespace,omitempty"`
	Pod        string                           `json:"pod,omitempty"`
	Container  string                           `json:"container,omitempty"`
	Since      time.Time                        `json:"since,omitzero"`
	Values     map[schema.MetricName]numberJSON `json:"values,omitempty"`
	Labelled   []labelledJSON                   `json:"labelled,omitempty"`
	Attributes map[string]string                `json:"attributes,omitempty"`
}

type labelledJSON struct {
	Metric schema.MetricName `json:"metric"`
	Labels map[string]string `json:"labels"`
	Value  numberJSON        `json:"value"`
}

// MarshalJSON writes the form in the type's comment.
func (s Set) MarshalJSON() ([]byte, error) {
	encoded := setJSON{
		Kind: s.Entity.Kind, Node: s.Entity.Node, Namespace: s.Entity.Namespace,
		Pod: s.Entity.Pod, Container: s.Entity.Container,
		Since:      s.Since.UTC(),
		Values:     make(map[schema.MetricName]numberJSON, len(s.Values)),
		Attributes: s.Attributes,
	}
	for name, value := range s.Values {
		encoded.Values[name] = numberJSON(value)
	}
	for _, l := range s.Labelled {
		encoded.Labelled = append(encoded.Labelled, labelledJSON{l.Metric, l.Labels, numberJSON(l.Value)})
	}
	return json.Marshal(encoded)
}

// UnmarshalJSON is the inverse of MarshalJSON. It refuses unknown members.
func (s *Set) UnmarshalJSON(text []byte) error {
	var decoded setJSON
	if err := decodeStrictly(text, &decoded); err != nil {
		return err
	}
	*s = Set{
		Entity: schema.Entity{
			Kind: decoded.Kind, Node: decoded.Node, Namespace: decoded.Namespace,
			Pod: decoded.Pod, Container: decoded.Container,
		},
		Since:      decoded.Since.UTC(),
		Attributes: decoded.Attributes,
	}
	if len(decoded.Values) > 0 {
		s.Values = make(map[schema.MetricName]schema.Value, len(decoded.Values))
	}
	for name, value := range decoded.Values {
		s.Values[name] = schema.Value(value)
	}
	for _, l := range decoded.Labelled {
		s.Labelled = append(s.Labelled, Labelled{l.Metric, l.Labels, schema.Value(l.Value)})
	}
	return nil
}

// numberJSON is a [schema.Value], exact in JSON.
type numberJSON schema.Value

func (n numberJSON) MarshalJSON() ([]byte, error) {
	return []byte(schema.Value(n).String()), nil
}

func (n *numberJSON) UnmarshalJSON(text []byte) error {
	if bytes.ContainsAny(text, ".eE") {
		var f float64
		err := json.Unmarshal(text, &f)
		*n = numberJSON(schema.Real(f))
		return err
	}
	var i int64
	err := json.Unmarshal(text, &i)
	*n = numberJSON(schema.Int(i))
	return err
}

func decodeStrictly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
