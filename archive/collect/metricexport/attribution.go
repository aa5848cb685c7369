package collect

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"heapstash/schema"
)

// exportName is the name that metric-export gives a pod, or a container of a
// pod. Several namespaces may have it.
type exportName struct{ pod, container string }

func nameOf(e schema.Entity) exportName { return exportName{e.Pod, e.Container} }

// attribution finds the namespaces of metric-export's sets of pods and
// containers. Heapster does not name them, but since each set of one batch is
// of another entity, each finding narrows the choice for the others. What stays
// open is never guessed.
type attribution struct {
	lists  lists
	claims []*claim
	named  map[exportName][]*claim
	names  []exportName // of named, sorted: the same sets are always decided alike
}

// lists tell which namespaces may have a name.
type lists struct {
	homes   map[exportName][]string
	whole   bool     // homes has the containers of all namespaces
	unheard []string // the namespaces whose pods could not be listed
	stale   bool     // the lists are of another batch than the export
}

// claim is sets that are of one namespace.
type claim struct {
	id        string // of the namespace; empty where that is not told
	sets      []*schema.Exported
	open      []string // the namespaces that it may be of
	namespace string   // the one that it is of; empty while that is open
}

// attribute groups the sets, and finds what the lists alone tell.
func attribute(sets []schema.Exported, l lists) *attribution {
	a := &attribution{lists: l, named: make(map[exportName][]*claim)}
	for _, c := range group(unrepeated(sets)) {
		c.open = l.common(c.sets)
		a.claims = append(a.claims, c)
		for _, set := range c.sets {
			a.named[nameOf(set.Entity)] = append(a.named[nameOf(set.Entity)], c)
		}
	}
	a.names = slices.SortedFunc(maps.Keys(a.named), func(x, y exportName) int {
		return cmp.Or(cmp.Compare(x.pod, y.pod), cmp.Compare(x.container, y.container))
	})
	return a
}

// unrepeated drops sets that are equal to an earlier one. Either Heapster
// repeated a set, or idle pods of several namespaces have equal sets without
// ids. Two claims would be of two namespaces; one claim is right in both cases,
// because it stays open until only one namespace may have such a set.
func unrepeated(sets []schema.Exported) []*schema.Exported {
	kept := make(map[schema.Entity][]*schema.Exported, len(sets))
	var all []*schema.Exported
	for i := range sets {
		set := &sets[i]
		same := func(other *schema.Exported) bool { return reflect.DeepEqual(*other, *set) }
		if set.Entity.Pod == "" || slices.ContainsFunc(kept[set.Entity], same) {
			continue
		}
		kept[set.Entity] = append(kept[set.Entity], set)
		all = append(all, set)
	}
	return all
}

// group puts the sets together that have the same namespace's id, or the same
// pod's uid. A pod of two namespaces is of neither.
func group(sets []*schema.Exported) []*claim {
	ids := make(map[string]string) // of namespaces, by pods' uids
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
	var claims []*claim
	index := make(map[string]*claim)
	for _, set := range sets {
		id := set.NamespaceID
		if known, told := ids[set.PodUID]; told {
			id = known
		}
		key := "namespace " + id
		if id == "" {
			key = "pod " + set.PodUID
		}
		c := index[key]
		if c == nil || id == "" && set.PodUID == "" {
			c = &claim{id: id}
			index[key] = c
			claims = append(claims, c)
		}
		c.sets = append(c.sets, set)
	}
	return slices.Concat(mapEach(claims, (*claim).distinct)...)
}

// distinct returns the claim, or a claim for each of its sets: two sets of one
// name cannot be of one namespace, whatever their ids say.
func (c *claim) distinct() []*claim {
	names := make(map[exportName]bool, len(c.sets))
	for _, set := range c.sets {
		names[nameOf(set.Entity)] = true
	}
	if len(names) == len(c.sets) {
		return []*claim{c}
	}
	return mapEach(c.sets, func(set *schema.Exported) *claim { return &claim{sets: []*schema.Exported{set}} })
}

func mapEach[T, U any](all []T, f func(T) U) []U {
	mapped := make([]U, len(all))
	for i, one := range all {
		mapped[i] = f(one)
	}
	return mapped
}

// of returns the namespaces that may have the name. Where the lists are whole,
// they are the ones that list it.
func (l lists) of(name exportName) []string {
	homes := l.homes[name]
	if name.container != "" && !l.whole {
		homes = l.homes[exportName{pod: name.pod}]
	}
	if len(l.unheard) > 0 {
		homes = slices.Concat(homes, l.unheard)
		slices.Sort(homes)
		homes = slices.Compact(homes)
	}
	return homes
}

// common returns the namespaces that may have all of the sets. A set's label
// pod_namespace, which Heapster has up to v1.3, leaves one of them.
func (l lists) common(sets []*schema.Exported) []string {
	count := make(map[string]int)
	for _, set := range sets {
		for _, namespace := range l.of(nameOf(set.Entity)) {
			if set.Namespace == "" || set.Namespace == namespace {
				count[namespace]++
			}
		}
		if l.stale && set.Namespace != "" {
			count[set.Namespace] = max(1, count[set.Namespace])
		}
	}
	var common []string
	for namespace, n := range count {
		if n == len(sets) {
			common = append(common, namespace)
		}
	}
	slices.Sort(common)
	return common
}

// conclude decides whatever follows from what is decided or was struck out.
func (a *attribution) conclude() {
	if a.lists.stale {
		return // no list says who has a name
	}
	for again := true; again; {
		again = false
		for _, c := range a.claims {
			if c.namespace == "" && len(c.open) == 1 {
				again = a.decideLast(c) || again
			}
		}
		for _, name := range a.names {
			again = again || a.findOwners(name, a.named[name])
		}
	}
}

// decideLast decides for the only namespace that is left, unless another claim
// of the same name has none but that either: then one of them is false.
func (a *attribution) decideLast(c *claim) bool {
	namespace, alone := c.open[0], true
	for _, rival := range a.rivals(c) {
		if slices.Equal(rival.open, c.open) {
			rival.open, rival.namespace, alone = nil, "", false
		}
	}
	if !alone {
		c.open = nil
		return true
	}
	a.decide(c, namespace)
	return true
}

// findOwners looks for a namespace that lists the name and that only one of the
// claims may be of. A claim whose evidence contradicts itself may be of any.
func (a *attribution) findOwners(name exportName, claims []*claim) (found bool) {
	homes := a.lists.homes[name]
	if len(claims) < len(homes) || len(claims) < 2 && len(a.lists.unheard) == 0 {
		return false
	}
	owner := make(map[string]*claim) // nil for several
	for _, c := range claims {
		if len(c.open) == 0 {
			return false
		}
		for _, namespace := range c.open {
			if _, several := owner[namespace]; several {
				owner[namespace] = nil
			} else {
				owner[namespace] = c
			}
		}
	}
	for _, home := range homes {
		if c := owner[home]; c != nil && c.namespace == "" {
			a.decide(c, home)
			found = true
		}
	}
	return found
}

// decide notes whose the claim is, so that no other one is.
func (a *attribution) decide(c *claim, namespace string) {
	c.namespace, c.open = namespace, []string{namespace}
	for _, rival := range a.rivals(c) {
		rival.open = slices.DeleteFunc(rival.open, func(open string) bool { return open == namespace })
	}
}

// rivals are the other claims that cannot be of the same namespace: they have
// another id, or a set of the same name.
func (a *attribution) rivals(c *claim) []*claim {
	var rivals []*claim
	if c.id != "" {
		for _, other := range a.claims {
			if other != c && other.id != "" {
				rivals = append(rivals, other)
			}
		}
	}
	for _, set := range c.sets {
		for _, other := range a.named[nameOf(set.Entity)] {
			if other != c {
				rivals = append(rivals, other)
			}
		}
	}
	return rivals
}

// recall decides by namespaces' ids and pods' uids that are known from
// elsewhere.
func (a *attribution) recall(namespaces map[string]string, pods map[string]schema.Entity) {
	for _, c := range a.claims {
		if c.namespace != "" {
			continue
		}
		if namespace, known := namespaces[c.id]; known && c.id != "" && a.mayBe(c, namespace) {
			a.decide(c, namespace)
		} else if namespace := c.namespaceOf(pods); namespace != "" && a.mayBe(c, namespace) {
			a.decide(c, namespace)
		}
	}
	a.conclude()
}

func (a *attribution) mayBe(c *claim, namespace string) bool {
	return a.lists.stale && len(c.open) == 0 || slices.Contains(c.open, namespace)
}

// namespaceOf returns the namespace of the pods with the claim's uids; empty if
// there are none, or several.
func (c *claim) namespaceOf(pods map[string]schema.Entity) (namespace string) {
	for _, set := range c.sets {
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

// undecided returns the claims that are open.
func (a *attribution) undecided() []*claim {
	var open []*claim
	for _, c := range a.claims {
		if c.namespace == "" {
			open = append(open, c)
		}
	}
	return open
}

// suspects returns the namespaces that an open claim's set may be of: all that
// may have its name where the evidence contradicts itself.
func (a *attribution) suspects(c *claim, set *schema.Exported) []string {
	if len(c.open) > 0 {
		return c.open
	}
	return a.lists.of(nameOf(set.Entity))
}
