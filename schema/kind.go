// Package schema is the vocabulary of heapstash: the things that Heapster measures
// (kinds, entities, metrics, values), the rows and scopes of a pass, and the sentinel
// errors of the client.
//
// It imports only the standard library and does no input or output. Every type
// is a plain value: copies are safe, and so is concurrent reading.
package schema

import (
	"fmt"
	"strings"
)

// Kind is a kind of entity. The zero Kind is invalid.
type Kind uint8

// The kinds, in the order in which a pass reads them.
const (
	Cluster Kind = iota + 1
	Node
	Namespace
	Pod
	Container
	SystemContainer // a container that belongs to no pod: kubelet, docker-daemon, ...
)

var kindNames = [...]string{
	Cluster:         "cluster",
	Node:            "node",
	Namespace:       "namespace",
	Pod:             "pod",
	Container:       "container",
	SystemContainer: "system_container",
}

// Kinds returns every kind, in the order in which a pass reads them.
func Kinds() []Kind {
	return []Kind{Cluster, Node, Namespace, Pod, Container, SystemContainer}
}

// String returns the kind's name in SQL and in flags, such as
// "system_container".
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// NameColumns returns the columns of names that tell entities of the kind apart,
// such as namespace and pod, without the cluster and labels.
func (k Kind) NameColumns() []string {
	switch k {
	case Node:
		return []string{"node"}
	case Namespace:
		return []string{"namespace"}
	case Pod:
		return []string{"namespace", "pod"}
	case Container:
		return []string{"namespace", "pod", "container"}
	case SystemContainer:
		return []string{"node", "container"}
	default:
		return nil
	}
}

// ParseKind is the inverse of [Kind.String]. Its error names the valid kinds.
func ParseKind(s string) (Kind, error) {
	for _, k := range Kinds() {
		if k.String() == s {
			return k, nil
		}
	}
	return 0, fmt.Errorf("unknown kind %q: use one of %s", s, strings.Join(kindNames[1:], ", "))
}

// MarshalText writes the kind's name, so that JSON shows it as SQL does.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (k *Kind) UnmarshalText(text []byte) (err error) {
	*k, err = ParseKind(string(text))
	return err
}
