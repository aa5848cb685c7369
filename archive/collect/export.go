package collect

import (
	"context"
	"fmt"
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// export is what metric-export gave of Heapster's newest batch, with names.
type export struct {
	at         schema.Instant         // of the batch; None without an export
	rows       []schema.Row           // of containers, system containers and labelled series that are wanted
	told       map[schema.Entity]bool // those that it has a set of
	has        map[schema.Entity]bool // containers and system containers that it has values of
	labelled   map[schema.Entity]int  // the row of each labelled entity
	identities []schema.Identity      // of every pod that it names and that is wanted
	refused    bool                   // it is not to be had from this Heapster
	uidless    bool                   // it has labels of pods without a uid

	whose   *attribution
	doubted doubts
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
		cause := archive.CauseOf(err)
		lasting := cause == archive.CauseExport || cause == archive.CauseNotFound || cause == archive.CauseRefused
		if lasting {
			cause = archive.CauseExport
		}
		p.hole(archive.Hole{
			Cause: cause, Lasting: lasting, Hint: schema.HintOf(err),
			Detail: "metric-export: " + err.Error() + "; without it, Heapster tells neither labelled series nor pods' identities",
		})
		return export{refused: lasting}, nil
	}
	x := newExport(sets)
	if p.isLeftover(x.at) {
		return export{refused: true}, nil
	}
	current := p.relist(ctx, x.at, found)
	if err := ctx.Err(); err != nil {
		return export{}, err
	}
	x.whose = attribute(sets, found.lists(!current))
	p.findNamespaces(ctx, x.whose)
	for _, set := range sets {
		if set.Entity.Pod == "" {
			p.admit(&x, set, found)
		}
	}
	for _, c := range x.whose.claims {
		if c.namespace != "" {
			p.admitAll(&x, c, found)
		} else {
			p.doubt(&x, c, found)
		}
	}
	if current && x.at == p.record.Horizon {
		p.leftOut(&x, found)
	}
	return x, nil
}

func newExport(sets []schema.Exported) export {
	x := export{
		told:     make(map[schema.Entity]bool),
		has:      make(map[schema.Entity]bool),
		labelled: make(map[schema.Entity]int),
		doubted:  newDoubts(),
	}
	for _, set := range sets {
		x.at = max(x.at, newestRow(set.Rows))
	}
	return x
}

// admitAll keeps what is wanted of a claim whose namespace is known.
func (p *pass) admitAll(x *export, c *claim, found *discovery) {
	for _, set := range c.sets {
		named := *set
		named.Entity.Namespace = c.namespace
		p.admit(x, named, found)
	}
}

// admit keeps what is wanted of a set that has all of its names.
func (p *pass) admit(x *export, set schema.Exported, found *discovery) {
	e := set.Entity
	if !p.wants(e) {
		return
	}
	if twin, mixed := namesake(e); mixed && found.present[twin] {
		p.hole(archive.Hole{Entity: e, Cause: archive.CauseExport, Lasting: true,
			Detail: fmt.Sprintf("metric-export does not tell it from %v: neither's labelled series are read", twin)})
		return
	}
	p.unspelled(e, set)
	x.told[e] = true
	if e.Kind != schema.Node {
		found.add(e, p.memory)
	}
	for _, row := range set.Rows {
		row.Entity.Namespace = e.Namespace
		switch {
		case row.Entity.Labels != "":
			x.labelled[row.Entity] = len(x.rows)
		case isContainer(e.Kind):
			x.has[e] = x.has[e] || row.At == x.at
		default:
			continue // nodes and pods are read by name, with the same values
		}
		x.rows = append(x.rows, row)
	}
}

// unspelled notes the label sets of the entity that are left out.
func (p *pass) unspelled(e schema.Entity, set schema.Exported) {
	if len(set.Unspelled) > 0 {
		p.hole(archive.Hole{Entity: e, Cause: archive.CauseUnaddressable, Lasting: true,
			Detail: fmt.Sprintf("%d sets of resource labels are spelled as others are, and were left out; the first is %q", len(set.Unspelled), set.Unspelled[0])})
	}
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

// window is the time from one batch to another, both included.
func (p *pass) window(from, to schema.Instant) schema.Window {
	return schema.Window{From: from, To: to.Add(p.step) - 1}
}

// unread is the time of the batches after the watermark that the export does
// not bring of somebody whom it does not show: all up to the horizon.
func (p *pass) unread(watermark schema.Instant) schema.Window {
	first := p.record.Horizon
	for _, batch := range slices.Backward(p.batches) {
		if watermark > 0 && batch > watermark && batch <= p.record.Horizon {
			first = batch
		}
	}
	if watermark >= p.record.Horizon {
		return schema.Window{}
	}
	return p.window(first, p.record.Horizon)
}
