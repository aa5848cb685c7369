package metricexport

import (
	"reflect"
	"slices"

	"heapstash/schema"
)

// Claim is sets of metric-export that belong to one namespace.
type Claim struct {
	Sets []*schema.Exported
	// Namespace is the one that the sets belong to; empty while it is open.
	Namespace string

	id   string   // the namespace's id; empty if no set has it
	open []string // the namespaces that the sets may belong to
}

// group puts the sets together that have the same namespace id, or the same pod
// uid. A pod with two namespace ids has none.
func group(sets []*schema.Exported) []*Claim {
	ids := make(map[string]string) // of namespaces, by pod uid
	for _, set := range sets {
		if set.PodUID == "" || set.NamespaceID == "" {
			continue
		}
		id, known := ids[set.PodUID]
		if !known {
			id = set.NamespaceID
		} else if id != set.NamespaceID {
			id = ""
		}
		ids[set.PodUID] = id
	}
	var claims []*Claim
	index := make(map[string]*Claim)
	for _, set := range sets {
		id := set.NamespaceID
		if known, ok := ids[set.PodUID]; ok {
			id = known
		}
		key := "namespace " + id
		if id == "" {
			key = "pod " + set.PodUID
		}
		c := index[key]
		if c == nil || id == "" && set.PodUID == "" {
			c = &Claim{id: id}
			index[key] = c
			claims = append(claims, c)
		}
		c.Sets = append(c.Sets, set)
	}
	var all []*Claim
	for _, c := range claims {
		all = append(all, c.distinct()...)
	}
	return all
}

// unrepeated drops sets that are equal to an earlier one. Either Heapster
// repeated a set, or idle pods of several namespaces have equal sets without
// ids. Two claims would be of two namespaces; one claim is right in both cases,
// because it stays open until only one namespace may have such a set.
func unrepeated(sets []schema.Exported) []*schema.Exported {
	kept := make(map[Name][]*schema.Exported, len(sets))
	var all []*schema.Exported
	for i := range sets {
		set := &sets[i]
		name := NameOf(set.Entity)
		isEqual := func(other *schema.Exported) bool { return reflect.DeepEqual(*other, *set) }
		if name.Pod == "" || slices.ContainsFunc(kept[name], isEqual) {
			continue
		}
		kept[name] = append(kept[name], set)
		all = append(all, set)
	}
	return all
}

// distinct returns the claim, or a claim for each of its sets if two of them
// have the same name: these are not of one namespace, whatever their ids are.
func (c *Claim) distinct() []*Claim {
	names := make(map[Name]bool, len(c.Sets))
	claims := make([]*Claim, len(c.Sets))
	for i, set := range c.Sets {
		names[NameOf(set.Entity)] = true
		claims[i] = &Claim{Sets: []*schema.Exported{set}}
	}
	if len(names) == len(c.Sets) {
		return []*Claim{c}
	}
	return claims
}

// namespaceOf returns the namespace of the pods with the claim's uids; empty if
// there are none, or several.
func (c *Claim) namespaceOf(pods map[string]schema.Entity) (namespace string) {
	for _, set := range c.Sets {
		pod, known := pods[set.PodUID]
		if set.PodUID == "" || !known || pod.Pod != set.Entity.Pod || pod.Namespace == namespace {
			continue
		}
		if namespace != "" {
			return ""
		}
		namespace = pod.Namespace
	}
	return namespace
}
