// Package metricexport finds out which pods and containers the sets of Heapster's
// metric-export are about. Metric-export names no namespaces, and several
// namespaces may have a pod of the same name.
//
// The package asks for nothing: an [Attribution] draws conclusions from the sets,
// from the model API's [Lists] and values ([Evidence]), and from ids that are
// known already. What does not follow stays open.
package metricexport

import (
	"iter"
	"maps"
	"slices"

	"heapstash/schema"
)

// Attribution finds the namespaces of metric-export's sets of pods and
// containers. Heapster does not export them. But each set of one batch is of
// another entity, so that each namespace that is found leaves fewer for the
// other sets. A claim whose namespace does not follow stays open: nothing is
// guessed.
type Attribution struct {
	Claims []*Claim

	lists Lists
	named map[Name][]*Claim
	names []Name // of named, sorted, so that the same sets give the same result
}

// Attribute groups the sets into claims.
func Attribute(sets []schema.Exported, lists Lists) *Attribution {
	a := &Attribution{lists: lists, named: make(map[Name][]*Claim)}
	for _, c := range group(unrepeated(sets)) {
		c.open = lists.mayHaveAll(c.Sets)
		a.Claims = append(a.Claims, c)
		for _, set := range c.Sets {
			a.named[NameOf(set.Entity)] = append(a.named[NameOf(set.Entity)], c)
		}
	}
	a.names = slices.SortedFunc(maps.Keys(a.named), compareNames)
	return a
}

// Hear removes the namespaces that the evidence contradicts, and decides what
// follows.
func (a *Attribution) Hear(e Evidence) {
	for _, c := range a.Claims {
		if c.Namespace == "" {
			c.open = slices.DeleteFunc(c.open, func(namespace string) bool { return e.contradicts(c, namespace) })
		}
	}
	a.conclude()
}

// Recall decides by ids of namespaces and uids of pods that are known from
// elsewhere.
func (a *Attribution) Recall(namespaces map[string]string, pods map[string]schema.Entity) {
	for _, c := range a.Claims {
		if c.Namespace != "" {
			continue
		}
		namespace := namespaces[c.id]
		if c.id == "" || namespace == "" || !a.mayBe(c, namespace) {
			namespace = c.namespaceOf(pods)
		}
		if namespace != "" && a.mayBe(c, namespace) {
			a.decide(c, namespace)
		}
	}
	a.conclude()
}

func (a *Attribution) mayBe(c *Claim, namespace string) bool {
	return a.lists.Stale && len(c.open) == 0 || slices.Contains(c.open, namespace)
}

// conclude decides everything that follows from the namespaces that are left.
func (a *Attribution) conclude() {
	if a.lists.Stale {
		return // no list shows who has a name
	}
	for again := true; again; {
		again = false
		for _, c := range a.Claims {
			if c.Namespace == "" && len(c.open) == 1 {
				a.decideLast(c)
				again = true
			}
		}
		for _, name := range a.names {
			again = again || a.findOwners(name, a.named[name])
		}
	}
}

// decideLast decides for the only namespace that is left. If another claim of
// the same name has only that one too, then one of them is false, and both stay
// open.
func (a *Attribution) decideLast(c *Claim) {
	namespace, alone := c.open[0], true
	for _, rival := range a.rivals(c) {
		if slices.Equal(rival.open, c.open) {
			rival.open, rival.Namespace, alone = nil, "", false
		}
	}
	if c.open = nil; alone {
		a.decide(c, namespace)
	}
}

// findOwners looks for a namespace that lists the name and that only one of the
// claims may be of. A claim whose evidence contradicts itself may be of any.
func (a *Attribution) findOwners(name Name, claims []*Claim) (found bool) {
	listed := a.lists.Namespaces[name]
	if len(claims) < len(listed) || len(claims) < 2 && len(a.lists.Unread) == 0 {
		return false
	}
	owner := make(map[string]*Claim) // nil for several
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
	for _, namespace := range listed {
		if c := owner[namespace]; c != nil && c.Namespace == "" {
			a.decide(c, namespace)
			found = true
		}
	}
	return found
}

// decide gives the claim its namespace, and removes that from its rivals.
func (a *Attribution) decide(c *Claim, namespace string) {
	c.Namespace, c.open = namespace, []string{namespace}
	for _, rival := range a.rivals(c) {
		rival.open = slices.DeleteFunc(rival.open, func(open string) bool { return open == namespace })
	}
}

// rivals are the other claims that cannot be of the same namespace: they have
// another id, or a set of the same name.
func (a *Attribution) rivals(c *Claim) []*Claim {
	var rivals []*Claim
	if c.id != "" {
		for _, other := range a.Claims {
			if other != c && other.id != "" {
				rivals = append(rivals, other)
			}
		}
	}
	for _, set := range c.Sets {
		for _, other := range a.named[NameOf(set.Entity)] {
			if other != c {
				rivals = append(rivals, other)
			}
		}
	}
	return rivals
}

// Open returns the claims without a namespace.
func (a *Attribution) Open() []*Claim {
	return slices.DeleteFunc(slices.Clone(a.Claims), func(c *Claim) bool { return c.Namespace != "" })
}

// HasOpen reports whether an open claim has a set of that name.
func (a *Attribution) HasOpen(name Name) bool {
	return slices.ContainsFunc(a.named[name], func(c *Claim) bool { return c.Namespace == "" })
}

// Candidates visits each set of open claims once for each namespace that it may
// be of, with the entity that it is then.
func (a *Attribution) Candidates(claims []*Claim) iter.Seq2[schema.Entity, *schema.Exported] {
	return func(yield func(schema.Entity, *schema.Exported) bool) {
		for _, c := range claims {
			for _, set := range c.Sets {
				for _, namespace := range a.namespaces(c, set) {
					e := set.Entity
					e.Namespace = namespace
					if !yield(e, set) {
						return
					}
				}
			}
		}
	}
}

// Ownerless returns the sets of open claims that no namespace may have.
func (a *Attribution) Ownerless(claims []*Claim) []*schema.Exported {
	var sets []*schema.Exported
	for _, c := range claims {
		for _, set := range c.Sets {
			if len(a.namespaces(c, set)) == 0 {
				sets = append(sets, set)
			}
		}
	}
	return sets
}

// namespaces returns the namespaces that a set of the claim may be of. If the
// evidence contradicts itself, these are all that may have its name.
func (a *Attribution) namespaces(c *Claim, set *schema.Exported) []string {
	if len(c.open) > 0 {
		return c.open
	}
	return a.lists.mayHave(NameOf(set.Entity))
}
