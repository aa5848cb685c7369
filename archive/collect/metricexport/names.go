package metricexport

import (
	"cmp"
	"slices"

	"heapstash/schema"
)

// Name is the name of a pod or a container in metric-export, which leaves out
// the namespace. Several namespaces may have the same Name.
type Name struct{ Pod, Container string }

// NameOf returns the entity's name without its namespace.
func NameOf(e schema.Entity) Name { return Name{e.Pod, e.Container} }

func compareNames(a, b Name) int {
	return cmp.Or(cmp.Compare(a.Pod, b.Pod), cmp.Compare(a.Container, b.Container))
}

// Lists are the model API's lists of pods and containers.
type Lists struct {
	// Namespaces are the namespaces that list a name.
	Namespaces map[Name][]string
	// Whole is set if the containers of all namespaces are in Namespaces.
	Whole bool
	// Unread are the namespaces whose list of pods could not be read.
	Unread []string
	// Stale is set if the lists and the export are of different batches.
	Stale bool
}

// Add adds a pod or a container; it ignores other entities.
func (l *Lists) Add(e schema.Entity) {
	if e.Kind == schema.Pod || e.Kind == schema.Container {
		l.Namespaces[NameOf(e)] = append(l.Namespaces[NameOf(e)], e.Namespace)
	}
}

// IsShared reports whether several namespaces may have the entity's name.
func (l *Lists) IsShared(e schema.Entity) bool {
	return len(l.Namespaces[NameOf(e)]) > 1 || len(l.Unread) > 0
}

// mayHave returns the namespaces that may have the name: the ones that list it,
// and the ones whose list is unknown.
func (l *Lists) mayHave(name Name) []string {
	namespaces := l.Namespaces[name]
	if name.Container != "" && !l.Whole {
		namespaces = l.Namespaces[Name{Pod: name.Pod}]
	}
	if len(l.Unread) > 0 {
		namespaces = slices.Concat(namespaces, l.Unread)
		slices.Sort(namespaces)
		namespaces = slices.Compact(namespaces)
	}
	return namespaces
}

// mayHaveAll returns the namespaces that may have all of the sets. A set's label
// pod_namespace, which Heapster has up to v1.3, leaves one of them.
func (l *Lists) mayHaveAll(sets []*schema.Exported) []string {
	count := make(map[string]int)
	for _, set := range sets {
		for _, namespace := range l.mayHave(NameOf(set.Entity)) {
			if set.Namespace == "" || set.Namespace == namespace {
				count[namespace]++
			}
		}
		if l.Stale && set.Namespace != "" {
			count[set.Namespace] = max(1, count[set.Namespace])
		}
	}
	var namespaces []string
	for namespace, n := range count {
		if n == len(sets) {
			namespaces = append(namespaces, namespace)
		}
	}
	slices.Sort(namespaces)
	return namespaces
}

// Namesake returns the container that has the same name in metric-export as the
// pod or the node. Kubernetes allows no such container in a pod.
func Namesake(e schema.Entity) schema.Entity {
	if e.Kind == schema.Node {
		return schema.SystemContainerEntity(e.Node, "machine")
	}
	return schema.ContainerEntity(e.Namespace, e.Pod, "/pod")
}
