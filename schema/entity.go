package schema

import (
	"cmp"
	"fmt"
	"strings"
)

// Entity names one thing with metrics in Heapster, within one cluster. Entities
// are comparable and serve as map keys. Fields that do not apply to the kind are
// empty.
type Entity struct {
	Kind      Kind   `json:"kind"`
	Node      string `json:"node,omitempty"`      // for a node or a system container
	Namespace string `json:"namespace,omitempty"` // for a namespace, a pod or a container
	Pod       string `json:"pod,omitempty"`       // for a pod or a container
	Container string `json:"container,omitempty"` // for a container or a system container

	// Labels are the resource labels of a labelled series (filesystem/*,
	// disk/*, accelerator/*) in Heapster's own spelling: key:value pairs
	// joined by commas, in key order. Empty for everything else.
	Labels string `json:"labels,omitempty"`
}

// ClusterEntity returns the cluster as a whole.
func ClusterEntity() Entity { return Entity{Kind: Cluster} }

// NodeEntity returns the node with that nodename.
func NodeEntity(node string) Entity { return Entity{Kind: Node, Node: node} }

// NamespaceEntity returns the namespace with that name.
func NamespaceEntity(namespace string) Entity {
	return Entity{Kind: Namespace, Namespace: namespace}
}

// PodEntity returns a pod of a namespace.
func PodEntity(namespace, pod string) Entity {
	return Entity{Kind: Pod, Namespace: namespace, Pod: pod}
}

// ContainerEntity returns a container of a pod.
func ContainerEntity(namespace, pod, container string) Entity {
	return Entity{Kind: Container, Namespace: namespace, Pod: pod, Container: container}
}

// SystemContainerEntity returns a container of a node that belongs to no pod.
func SystemContainerEntity(node, container string) Entity {
	return Entity{Kind: SystemContainer, Node: node, Container: container}
}

// String spells the entity like Heapster's metric-set keys, such as
// namespace:default/pod:web-0. Labels follow in braces.
func (e Entity) String() string {
	var b strings.Builder
	switch e.Kind {
	case Cluster:
		b.WriteString("cluster")
	case Node:
		fmt.Fprintf(&b, "node:%s", e.Node)
	case Namespace:
		fmt.Fprintf(&b, "namespace:%s", e.Namespace)
	case Pod:
		fmt.Fprintf(&b, "namespace:%s/pod:%s", e.Namespace, e.Pod)
	case Container:
		fmt.Fprintf(&b, "namespace:%s/pod:%s/container:%s", e.Namespace, e.Pod, e.Container)
	case SystemContainer:
		fmt.Fprintf(&b, "node:%s/container:%s", e.Node, e.Container)
	default:
		b.WriteString("invalid entity")
	}
	if e.Labels != "" {
		fmt.Fprintf(&b, "{%s}", e.Labels)
	}
	return b.String()
}

// ParseEntity is the inverse of [Entity.String] for entities without labels. It
// reads the keys of Heapster's debug/allkeys. Their spelling is internal to
// Heapster (metrics/core/ms_keys.go promises only that they are unique), so that
// any other form is refused.
//
// Container names may hold slashes and colons; every other name is what
// Kubernetes allows, and holds no slash.
func ParseEntity(key string) (Entity, error) {
	if key == "cluster" {
		return ClusterEntity(), nil
	}
	var e Entity
	if rest, ok := strings.CutPrefix(key, "node:"); ok {
		node, container, deeper := strings.Cut(rest, "/container:")
		if e = NodeEntity(node); deeper {
			e = SystemContainerEntity(node, container)
		}
	} else if rest, ok := strings.CutPrefix(key, "namespace:"); ok {
		namespace, rest, deeper := strings.Cut(rest, "/pod:")
		pod, container, deepest := strings.Cut(rest, "/container:")
		switch {
		case deepest:
			e = ContainerEntity(namespace, pod, container)
		case deeper:
			e = PodEntity(namespace, pod)
		default:
			e = NamespaceEntity(namespace)
		}
	}
	if err := e.check(); err != nil {
		return Entity{}, fmt.Errorf("metric-set key %q: %w", key, err)
	}
	return e, nil
}

// check reports a missing name, and one that Kubernetes would not allow.
func (e Entity) check() error {
	named := func(what, name string) error {
		if name == "" || strings.Contains(name, "/") {
			return fmt.Errorf("%s %q is not a name", what, name)
		}
		return nil
	}
	switch e.Kind {
	case Node:
		return named("node", e.Node)
	case Namespace:
		return named("namespace", e.Namespace)
	case Pod:
		return cmp.Or(named("namespace", e.Namespace), named("pod", e.Pod))
	case Container:
		return cmp.Or(named("namespace", e.Namespace), named("pod", e.Pod), nonEmpty(e.Container))
	case SystemContainer:
		return cmp.Or(named("node", e.Node), nonEmpty(e.Container))
	default:
		return fmt.Errorf("unknown form")
	}
}

func nonEmpty(container string) error {
	if container == "" {
		return fmt.Errorf("container without a name")
	}
	return nil
}

// Scope returns the scope whose watermark covers the entity's series in the model
// API.
func (e Entity) Scope() Scope {
	part := Plain
	if e.Labels != "" {
		part = Labelled
	}
	switch e.Kind {
	case Node, SystemContainer:
		return Scope{e.Kind, e.Node, part}
	case Namespace, Pod, Container:
		return Scope{e.Kind, e.Namespace, part}
	default:
		return Scope{Kind: e.Kind, Part: part}
	}
}

// Part divides the series of a scope by how they are read, because each part is
// read whole, or fails, on its own.
type Part string

// The parts.
const (
	Plain    Part = ""         // the model API's series without labels
	Standard Part = "standard" // the containers' series in metric-export
	Labelled Part = "labelled" // the series with resource labels
)

// Scope is a set of series with one watermark: a part of the series of all
// entities of one kind in one namespace (namespace, pod, container) or on one
// node (node, system_container). The cluster's scope has an empty Name.
type Scope struct {
	Kind Kind
	Name string
	Part Part
}

// String spells the scope as kind/name, or as the kind alone. A named part
// follows in parentheses.
func (s Scope) String() string {
	text := s.Kind.String()
	if s.Name != "" {
		text += "/" + s.Name
	}
	if s.Part != Plain {
		text += " (" + string(s.Part) + ")"
	}
	return text
}

// Entity returns an entity that stands for the whole scope, as in the ledger: it
// has the scope's kind, and its namespace or node.
func (s Scope) Entity() Entity {
	switch s.Kind {
	case Node, SystemContainer:
		return Entity{Kind: s.Kind, Node: s.Name}
	default:
		return Entity{Kind: s.Kind, Namespace: s.Name}
	}
}

// Owner returns the entity without its resource labels.
func (e Entity) Owner() Entity {
	e.Labels = ""
	return e
}

// Compare orders entities by kind, then by namespace, node, pod, container and
// labels.
func (e Entity) Compare(other Entity) int {
	return cmp.Or(cmp.Compare(e.Kind, other.Kind), cmp.Compare(e.Namespace, other.Namespace), cmp.Compare(e.Node, other.Node),
		cmp.Compare(e.Pod, other.Pod), cmp.Compare(e.Container, other.Container), cmp.Compare(e.Labels, other.Labels))
}

// Compare orders scopes by kind, name and part.
func (s Scope) Compare(other Scope) int {
	return cmp.Or(cmp.Compare(s.Kind, other.Kind), cmp.Compare(s.Name, other.Name), cmp.Compare(s.Part, other.Part))
}
