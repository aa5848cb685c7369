package clickhouse

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// incarnation is a row of the table pod_identity.
type incarnation struct {
	schema.Identity
	to      schema.Instant // None for the present one
	changed bool
	deleted bool
}

// identify stores the identities of a batch, and ends those of pods that vanished.
// Another uid ends the stored incarnation; the same uid with other labels, images, node or
// owner is the same pod. The last statement about a time wins: Heapster's clock may have
// been set back, one batch may have two incarnations, and the sources of identities may
// disagree.
func (w *writer) identify(b archive.Batch) error {
	told := make(map[schema.Entity][]schema.Identity)
	for e := range b.Vanished {
		if e.Kind == schema.Pod && e.Labels == "" {
			told[e] = nil
		}
	}
	for _, i := range b.Identities {
		w.see(i.Pod, i.Since)
		told[i.Pod] = append(told[i.Pod], i)
	}
	return w.changeIncarnations(maps.Keys(told), func(pod schema.Entity, all []incarnation) []incarnation {
		if at, gone := b.Vanished[pod]; gone {
			for i := range all {
				if all[i].to == 0 {
					all[i].to, all[i].changed = max(all[i].Since, at), true
				}
			}
		}
		for _, i := range told[pod] {
			all = succeed(all, i)
		}
		return all
	})
}

// changeIncarnations reads the incarnations of each pod, and writes what change makes of
// them.
func (w *writer) changeIncarnations(pods iter.Seq[schema.Entity], change func(pod schema.Entity, all []incarnation) []incarnation) error {
	return chunks(slices.Collect(pods), schema.Entity.Compare, func(pods []schema.Entity) error {
		stored, err := w.incarnations(pods)
		if err != nil {
			return err
		}
		for _, pod := range pods {
			w.putIncarnations(change(pod, stored[pod]))
		}
		return nil
	})
}

// incarnations reads the incarnations of pods.
func (w *writer) incarnations(pods []schema.Entity) (map[schema.Entity][]incarnation, error) {
	all := make(map[schema.Entity][]incarnation)
	var near within
	for _, pod := range pods {
		near.addEntity(pod)
	}
	err := w.each(w.ctx, "SELECT namespace, pod, uid, node, labels, images, owner_kind, owner, valid_from, valid_to FROM pod_identity_rows FINAL WHERE deleted = 0 AND cluster = ?"+
		near.condition([]string{"namespace", "pod"}), func(scan scanner) error {
		i := incarnation{Identity: schema.Identity{Pod: schema.Entity{Kind: schema.Pod}}}
		err := scan(&i.Pod.Namespace, &i.Pod.Pod, &i.UID, &i.Node, &i.Labels, &i.Images, &i.Owner.Kind, &i.Owner.Name, (*int64)(&i.Since), (*int64)(&i.to))
		if _, wanted := slices.BinarySearchFunc(pods, i.Pod, schema.Entity.Compare); wanted {
			all[i.Pod] = append(all[i.Pod], i)
		}
		return err
	}, w.cluster)
	return all, err
}

// succeed adds an identity to the incarnations of its pod.
func succeed(all []incarnation, i schema.Identity) []incarnation {
	own := slices.IndexFunc(all, func(other incarnation) bool { return other.UID == i.UID && !other.deleted })
	if own >= 0 {
		i.Since = all[own].Since
	}
	for j := range all {
		other := &all[j]
		switch {
		case other.UID == i.UID || other.deleted:
		case other.Since >= i.Since:
			other.deleted, other.changed = true, true
		case other.to == 0 || other.to >= i.Since:
			other.to, other.changed = i.Since-1, true
		}
	}
	if own >= 0 {
		all[own].Identity, all[own].to, all[own].changed = i, 0, true
		return all
	}
	return append(all, incarnation{Identity: i, changed: true})
}

// putIncarnations writes the rows that changed. A row that was deleted and made again has
// the same key: it comes last.
func (w *writer) putIncarnations(all []incarnation) {
	slices.SortStableFunc(all, func(a, b incarnation) int {
		return cmp.Compare(map[bool]int{true: 0, false: 1}[a.deleted], map[bool]int{true: 0, false: 1}[b.deleted])
	})
	t := w.conn.Layout.PodIdentity
	for _, i := range all {
		key := []any{w.cluster, i.Pod.Namespace, i.Pod.Pod, i.UID}
		switch {
		case !i.changed:
		case i.deleted:
			w.drafts.delete(t, key...)
		default:
			w.drafts.put(t, append(key, i.Node, i.Labels, i.Images, i.Owner.Kind, i.Owner.Name, int64(i.Since), int64(i.to))...)
		}
	}
}
