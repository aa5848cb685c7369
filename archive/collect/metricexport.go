package collect

import (
	"context"
	"fmt"

	"heapstash/archive"
	"heapstash/archive/collect/metricexport"
	"heapstash/archive/collect/plan"
	"heapstash/schema"
)

// metricExport is what metric-export shows of Heapster's newest batch, with the names
// of namespaces.
type metricExport struct {
	at         schema.Instant         // of the batch; zero without an export
	rows       []schema.Row           // wanted rows of containers, system containers and labelled series
	exported   map[schema.Entity]bool // entities with a set
	has        map[schema.Entity]bool // containers and system containers with values
	labelled   map[schema.Entity]int  // the index in rows of each labelled entity
	identities []schema.Identity      // of every wanted pod
	refused    bool                   // this Heapster does not give metric-export
	uidless    bool                   // it has labels of pods without a uid

	attribution *metricexport.Attribution // nil without an export
	doubts      doubts
}

// download is a request for metric-export. Heapster works on it as long as on
// hundreds of other requests, and so the pass continues meanwhile.
type download struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when sets and err are complete
	sets   []schema.Exported
	err    error
}

func (p *pass) downloadExport(ctx context.Context) *download {
	ctx, cancel := context.WithCancel(ctx)
	d := &download{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(d.done)
		d.err = p.source.Export(ctx, func(set schema.Exported) error {
			d.sets = append(d.sets, set)
			samples := 0
			for _, row := range set.Rows {
				samples += len(row.Readings)
			}
			return p.take(samples)
		})
	}()
	return d
}

// abandon cancels the download, and waits for its end.
func (d *download) abandon() {
	d.cancel()
	<-d.done
}

// finishExport waits for metric-export. Without it, the pass reads containers by
// name, finds no labelled series, and learns no identities.
func (p *pass) finishExport(ctx context.Context, d *download, found *discovery) (metricExport, error) {
	<-d.done
	if err := cancelled(ctx); err != nil {
		return metricExport{}, err
	}
	if d.err != nil {
		return p.withoutExport(p.overdue(d.err)), nil
	}
	x := newMetricExport(d.sets)
	if p.isLeftover(x.at) {
		return metricExport{refused: true}, nil
	}
	current := p.relist(ctx, x.at, found)
	if err := cancelled(ctx); err != nil {
		return metricExport{}, err
	}
	found.lists.Stale = !current
	x.attribution = metricexport.Attribute(d.sets, found.lists)
	p.findNamespaces(ctx, x.attribution)
	for _, set := range d.sets {
		if set.Entity.Pod == "" {
			p.admit(&x, set.Entity, set, found)
		}
	}
	for _, c := range x.attribution.Claims {
		if c.Namespace != "" {
			p.admitClaim(&x, c, found)
		}
	}
	p.doubt(&x, found)
	if current && x.at == p.record.Horizon {
		p.checkComplete(&x, found)
	}
	return x, nil
}

// withoutExport notes why there is no export. The next pass reads by name what
// this one missed.
func (p *pass) withoutExport(err error) metricExport {
	cause := causeOf(err)
	lasting := cause == archive.CauseExport || cause == archive.CauseNotFound || cause == archive.CauseRefused
	if lasting {
		cause = archive.CauseExport
	}
	p.hole(archive.Hole{
		Cause: cause, Lasting: lasting, Hint: schema.HintOf(err),
		Detail: "metric-export: " + err.Error() + "; only it shows labelled series and the identities of pods",
	})
	return metricExport{refused: lasting}
}

func newMetricExport(sets []schema.Exported) metricExport {
	x := metricExport{
		exported: make(map[schema.Entity]bool),
		has:      make(map[schema.Entity]bool),
		labelled: make(map[schema.Entity]int),
		doubts: doubts{
			containers: make(map[schema.Entity]bool), labelled: make(map[schema.Entity][]schema.Metric),
			unanswered: make(map[schema.Entity]bool), answered: make(map[schema.Entity]bool),
		},
	}
	for _, set := range sets {
		for _, row := range set.Rows {
			x.at = max(x.at, row.At)
		}
	}
	return x
}

// admitClaim keeps the wanted sets of a claim whose namespace is known.
func (p *pass) admitClaim(x *metricExport, c *metricexport.Claim, found *discovery) {
	for _, set := range c.Sets {
		e := set.Entity
		e.Namespace = c.Namespace
		p.admit(x, e, *set, found)
	}
}

// admit keeps the set of an entity, if that is wanted.
func (p *pass) admit(x *metricExport, e schema.Entity, set schema.Exported, found *discovery) {
	if !p.wants(e) {
		return
	}
	if namesake := metricexport.Namesake(e); !isContainer(e.Kind) && found.present[namesake] {
		p.hole(archive.Hole{Entity: e, Cause: archive.CauseExport, Lasting: true,
			Detail: fmt.Sprintf("metric-export gives it the same name as %v: labelled series are read of neither", namesake)})
		return
	}
	p.noteUnspelled(e, set)
	x.exported[e] = true
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
			continue // the same values of nodes and pods are read by name
		}
		x.rows = append(x.rows, row)
	}
}

// noteUnspelled notes the label sets of the entity that are left out.
func (p *pass) noteUnspelled(e schema.Entity, set schema.Exported) {
	if len(set.Unspelled) > 0 {
		p.hole(archive.Hole{Entity: e, Cause: archive.CauseUnaddressable, Lasting: true,
			Detail: fmt.Sprintf("%d sets of resource labels have the same text as other sets, and were left out; the first is %q", len(set.Unspelled), set.Unspelled[0])})
	}
}

// covers reports whether the export alone has everything of its series since the
// watermark.
func (p *pass) covers(watermark schema.Instant) bool {
	return p.timeline.Step >= plan.Overlap && p.timeline.IsNext(p.metricExport.at, watermark)
}

// checkComplete notes what the lists show and metric-export, of the same batch,
// does not: whether it has labelled series is unknown.
func (p *pass) checkComplete(x *metricExport, found *discovery) {
	left := make(map[schema.Kind][]schema.Entity)
	for _, e := range found.listed {
		if e.Kind != schema.Cluster && e.Kind != schema.Namespace && !x.exported[e] && !x.attribution.HasOpen(metricexport.NameOf(e)) {
			left[e.Kind] = append(left[e.Kind], e)
		}
	}
	p.noteFirst(left, archive.Hole{Cause: archive.CauseExport, Lasting: true},
		"metric-export leaves out what the lists show: labelled series are read only if an earlier pass saw them. The first of %d is %v")
}
