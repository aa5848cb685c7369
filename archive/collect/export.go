package collect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"heapstash/schema"
)

// export is what metric-export gave of Heapster's newest batch, with names.
type export struct {
	at         schema.Instant // of the batch; None without an export
	rows       []schema.Row   // of containers, system containers and labelled series that are wanted
	has        map[schema.Entity]bool
	labelled   map[schema.Entity]int // the row of each labelled entity
	identities []schema.Identity     // of every pod that it names and that is wanted
	refused    bool                  // it is not to be had from this Heapster
}

// exporting is a metric-export under way. Heapster works on it for as long as
// on hundreds of other requests, and so it is asked for beside them.
type exporting struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the rest is there
	sets   []schema.Exported
	err    error
}

func (p *pass) beginExport(ctx context.Context) *exporting {
	ctx, cancel := context.WithCancel(ctx)
	e := &exporting{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(e.done)
		e.err = p.source.Export(ctx, func(set schema.Exported) error {
			e.sets = append(e.sets, set)
			count := 0
			for _, row := range set.Rows {
				count += len(row.Readings)
			}
			return p.take(count)
		})
	}()
	return e
}

// abandon ends it, if it has not ended, and waits for that.
func (e *exporting) abandon() {
	e.cancel()
	<-e.done
}

// finishExport waits for metric-export. Without it, containers are read by
// their names, labelled series are not found, and pods have no identity.
func (p *pass) finishExport(ctx context.Context, e *exporting, found *discovery) (export, error) {
	<-e.done
	sets, err := e.sets, e.err
	if ctx.Err() != nil {
		return export{}, ctx.Err()
	}
	if err != nil {
		// Whatever the reason, the next pass finds what it missed by name.
		cause := schema.CauseOf(err)
		lasting := cause == schema.CauseExport || cause == schema.CauseNotFound || cause == schema.CauseRefused
		if lasting {
			cause = schema.CauseExport
		}
		p.hole(schema.Hole{
			Cause: cause, Lasting: lasting, Hint: schema.HintOf(err),
			Detail: "metric-export: " + err.Error() + "; without it, Heapster tells neither labelled series nor pods' identities",
		})
		return export{refused: lasting}, nil
	}
	for scope := range found.unheard {
		if scope.Kind == schema.Pod {
			// A pod of that namespace could be mistaken for its namesake in
			// another one.
			p.Log.Info("pods of a namespace could not be listed: metric-export is left aside", "namespace", scope.Name)
			return export{}, nil
		}
	}
	x := p.resolve(sets, found)
	if x.at != p.record.Horizon {
		// A batch came between the lists and the export. Namespaces are told
		// by what both show, and could be mistaken for one another now.
		p.Log.Info("metric-export has another batch than the lists: it is left aside", "batch", x.at, "listed", p.record.Horizon)
		return export{}, nil
	}
	return x, nil
}

// resolve gives the sets their namespaces' names, and keeps what is wanted.
func (p *pass) resolve(sets []schema.Exported, found *discovery) export {
	x := export{has: make(map[schema.Entity]bool), labelled: make(map[schema.Entity]int)}
	names := namespaceNames(sets, found.homes)
	pods := make(map[schema.Entity]*schema.Identity)
	images := make(map[schema.Entity][]string)
	for _, set := range sets {
		e := set.Entity
		if e.Kind == schema.Pod || e.Kind == schema.Container {
			if e.Namespace = names[set.NamespaceID]; e.Namespace == "" || !slices.Contains(found.homes[e.Pod], e.Namespace) {
				continue
			}
		}
		at := newestRow(set.Rows)
		x.at = max(x.at, at)
		pod := schema.PodEntity(e.Namespace, e.Pod)
		switch {
		case e.Kind == schema.Pod && set.PodUID != "":
			pods[pod] = &schema.Identity{Pod: pod, UID: set.PodUID, Node: set.Node, Labels: set.PodLabels, Since: at}
			if known := p.memory.Identities[pod]; known.UID == set.PodUID {
				pods[pod].Owner = known.Owner // of which the export knows nothing
			}
		case e.Kind == schema.Container && set.BaseImage != "":
			images[pod] = append(images[pod], e.Container+"="+set.BaseImage)
		}
		if !p.wants(e) {
			continue
		}
		if twin, mixed := namesake(e); mixed && found.present[twin] {
			p.hole(schema.Hole{Entity: e, Cause: schema.CauseExport, Lasting: true,
				Detail: fmt.Sprintf("metric-export does not tell it from %v: neither's labelled series are read", twin)})
			continue
		}
		if len(set.Unspelled) > 0 {
			p.hole(schema.Hole{Entity: e, Cause: schema.CauseUnaddressable, Lasting: true,
				Detail: fmt.Sprintf("%d sets of resource labels are spelled as others are, and were left out; the first is %q", len(set.Unspelled), set.Unspelled[0])})
		}
		if isContainer(e.Kind) {
			x.has[e] = true
			if found.unheard[e.Scope()] {
				found.add(e, p.memory)
			}
		}
		for _, row := range set.Rows {
			row.Entity.Namespace = e.Namespace
			if row.Entity.Labels == "" && !isContainer(e.Kind) {
				continue // nodes and pods are read by name, with the same values
			}
			if row.Entity.Labels != "" {
				x.labelled[row.Entity] = len(x.rows)
			}
			x.rows = append(x.rows, row)
		}
	}
	for pod, identity := range pods {
		if !found.present[pod] {
			continue
		}
		slices.Sort(images[pod])
		identity.Images = strings.Join(images[pod], ",")
		x.identities = append(x.identities, *identity)
	}
	slices.SortFunc(x.identities, func(a, b schema.Identity) int { return compareEntities(a.Pod, b.Pod) })
	return x
}

// namesake is the container that metric-export would give the same name as the
// pod or the node. Kubernetes allows no such container in a pod.
func namesake(e schema.Entity) (schema.Entity, bool) {
	switch e.Kind {
	case schema.Pod:
		return schema.ContainerEntity(e.Namespace, e.Pod, "/pod"), true
	case schema.Node:
		return schema.SystemContainerEntity(e.Node, "machine"), true
	default:
		return schema.Entity{}, false
	}
}

func newestRow(rows []schema.Row) schema.Instant {
	var at schema.Instant
	for _, row := range rows {
		at = max(at, row.At)
	}
	return at
}

// namespaceNames tells the namespaces' names by their ids, which are all that
// the export has. homes are the namespaces that list a pod of each name: a pod
// whose name only one namespace has gives that one away, and every id found
// narrows the choice for the others. What stays open is left out, not guessed.
func namespaceNames(sets []schema.Exported, homes map[string][]string) map[string]string {
	names := make(map[string]string) // by id
	taken := make(map[string]bool)
	for learned := true; learned; {
		learned = false
		for _, set := range sets {
			if set.Entity.Pod == "" || set.NamespaceID == "" {
				continue
			}
			if _, known := names[set.NamespaceID]; known {
				continue
			}
			open := slices.DeleteFunc(slices.Clone(homes[set.Entity.Pod]), func(name string) bool { return taken[name] })
			if len(open) == 1 {
				names[set.NamespaceID] = open[0]
				taken[open[0]] = true
				learned = true
			}
		}
	}
	return names
}

// news returns the identities that are not those which the store has.
func (p *pass) news(identities []schema.Identity) []schema.Identity {
	return slices.DeleteFunc(slices.Clone(identities), func(i schema.Identity) bool {
		known, ok := p.memory.Identities[i.Pod]
		i.Since = known.Since
		return ok && i == known
	})
}

// covers reports whether the export alone brings everything that its series
// have since the watermark: there is no batch in between but the export's.
func (p *pass) covers(watermark schema.Instant) bool {
	at := p.export.at
	if at == 0 || watermark == 0 || at < p.record.Horizon || p.step < overlap {
		return false
	}
	return !slices.ContainsFunc(p.batches, func(batch schema.Instant) bool { return batch > watermark && batch != at })
}

// missed is the time between the watermark and the export's batch, of which
// the export says nothing; the zero window if there is no batch in between.
func (p *pass) missed(watermark schema.Instant) schema.Window {
	var w schema.Window
	for _, batch := range p.batches {
		if batch > watermark && batch < p.export.at {
			if w.From == 0 {
				w.From = batch
			}
			w.To = batch.Add(p.step) - 1
		}
	}
	return w
}
