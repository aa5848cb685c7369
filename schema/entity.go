package schema

import (
	"fmt"
	"strings"
)

// Entity names one thing that Heapster keeps metrics for, within one cluster.
// Entities are comparable and serve as map keys. Fields that do not apply to
// the kind are empty.
type Entity struct {
	Kind      Kind
	Node      string // of a node or a system container
	Namespace string // of a namespace, a pod or a container
	Pod       string // of a pod or a container
	Container string // of a container or a system container

	// Labels are the resource labels of a labelled series (filesystem/*,
	// disk/*, accelerator/*) in Heapster's own spelling: key:value pairs
	// joined by commas, in key order. Empty for everything else.
	Labels string
}

// ClusterEntity is the cluster as a whole.
func ClusterEntity() Entity { return Entity{Kind: Cluster} }

// NodeEntity is the node of that nodename.
func NodeEntity(node string) Entity { return Entity{Kind: Node, Node: node} }

// NamespaceEntity is the namespace of that name.
func NamespaceEntity(namespace string) Entity {
	return Entity{Kind: Namespace, Namespace: namespace}
}

// PodEntity is the pod of that name in that namespace.
func PodEntity(namespace, pod string) Entity {
	return Entity{Kind: Pod, Namespace: namespace, Pod: pod}
}

// ContainerEntity is the container of that name in that pod.
func ContainerEntity(namespace, pod, container string) Entity {
	return Entity{Kind: Container, Namespace: namespace, Pod: pod, Container: container}
}

// SystemContainerEntity is the container of that name outside every pod of
// that node.
func SystemContainerEntity(node, container string) Entity {
	return Entity{Kind: SystemContainer, Node: node, Container: container}
}

// String spells the entity as Heapster spells its metric-set keys, with the
// labels, if any, behind it: namespace:default/pod:web-0.
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

// ParseEntity is the inverse of [Entity.String] for entities without labels.
// It reads what Heapster's debug/allkeys lists. That spelling is internal to
// Heapster (metrics/core/ms_keys.go, which promises only uniqueness), so
// whatever does not fit it exactly is refused.
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

// check reports a name that is missing or cannot be a Kubernetes name.
func (e Entity) check() error {
	named := func(what, name string) error {
		if name == "" || strings.Contains(name, "/") {
			return fmt.Errorf("%s %q is not a name", what, name)
		}
		return nil
	}
	var errs []error
	switch e.Kind {
	case Cluster:
	case Node:
		errs = []error{named("node", e.Node)}
	case Namespace:
		errs = []error{named("namespace", e.Namespace)}
	case Pod:
		errs = []error{named("namespace", e.Namespace), named("pod", e.Pod)}
	case Container:
		errs = []error{named("namespace", e.Namespace), named("pod", e.Pod), nonEmpty(e.Container)}
	case SystemContainer:
		errs = []error{named("node", e.Node), nonEmpty(e.Container)}
	default:
		return fmt.Errorf("unknown form")
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func nonEmpty(container string) error {
	if container == "" {
		return fmt.Errorf("container without a name")
	}
	return nil
}

// Scope returns the scope whose watermark covers the entity's series that are
// asked for by name.
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

// Part divides what a scope's entities have by the way it is read, for each
// part is read whole, or not, on its own.
type Part string

// The parts.
const (
	Plain    Part = ""         // series that are asked for by name
	Standard Part = "standard" // containers' series that metric-export has too
	Labelled Part = "labelled" // series with resource labels
)

// Scope is what one watermark covers: a part of what the entities of one kind
// have in one namespace (namespace, pod, container) or on one node (node,
// system_container), or the cluster, whose Name is empty.
type Scope struct {
	Kind Kind
	Name string
	Part Part
}

// String spells the scope as kind/name, or just the kind, with the part, if
// it has a name, behind it.
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

// Entity stands for the whole scope where an entity is named, as in the ledger:
// it has the scope's kind and its namespace or node.
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
