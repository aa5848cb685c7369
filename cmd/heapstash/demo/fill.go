package demo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// stretch is how long a time is stored at once. A pass's share of upkeep rolls up as
// much.
const stretch = schema.Instant(3 * hour / time.Second)

// Fill stores the batches of a story between two moments, both included, as passes
// would, three hours at a time. The archive must end with the batch before from.
// progress is called with the number of rows and the last moment. After an error, Fill
// can continue behind the last batch of the archive.
func Fill(ctx context.Context, store collect.Store, s *Story, from, to schema.Instant, progress func(rows int, at schema.Instant)) error {
	memory, err := store.Memory(ctx, Cluster)
	if err != nil {
		return err
	}
	s.Skip(from.Add(-Step))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	made := make(chan piece, 1)
	go func() {
		defer close(made)
		t := teller{story: s, pods: make(map[schema.Entity]schema.Identity), listed: make(map[schema.Entity]bool), first: from == s.begin}
		for at := from; at <= to; {
			end := min((at - at%stretch + stretch).Add(-Step), to)
			var p piece
			if p, at = t.tell(at, end); p.batch.Horizon == 0 {
				continue // it was an outage
			}
			select {
			case made <- p:
			case <-ctx.Done():
				return
			}
		}
	}()
	rows := 0
	for p := range made {
		for scope := range memory.Watermarks { // also the scopes without rows
			p.batch.Watermarks[scope] = p.batch.Horizon
		}
		if err := p.store(ctx, store); err != nil {
			return cmp.Or(ctx.Err(), err)
		}
		rows += len(p.batch.Rows)
		progress(rows, p.batch.Horizon)
	}
	return ctx.Err()
}

// piece is the rows of a stretch of the story.
type piece struct {
	batch archive.Batch
	gap   time.Duration
	holes []archive.Hole
}

// store stores the piece as a pass that began with its last batch.
func (p piece) store(ctx context.Context, store collect.Store) error {
	pass := archive.Pass{Cluster: Cluster, Version: "demo", Started: p.batch.Horizon.Time(), Finished: p.batch.Horizon.Add(time.Second).Time(),
		Newest: p.batch.Horizon, Horizon: p.batch.Horizon, Gap: p.gap, Outcome: archive.OutcomeComplete}
	if len(p.holes) > 0 {
		pass.Outcome = archive.OutcomePartial
	}
	var err error
	if pass.ID, err = store.BeginPass(ctx, pass); err != nil {
		return err
	}
	p.batch.Pass = pass.ID
	if _, err := store.Write(ctx, p.batch); err != nil {
		return err
	}
	if _, err := store.Upkeep(ctx, p.batch.Horizon); err != nil {
		return err
	}
	return store.EndPass(ctx, pass, p.holes)
}

// teller makes pieces of a story.
type teller struct {
	story  *Story
	pods   map[schema.Entity]schema.Identity
	listed map[schema.Entity]bool
	uids   []string // of the pods of the last batch
	// pending is the story's last batch, if it is not in a piece yet.
	pending *heapsim.Batch
	first   bool // there was nothing before
	last    schema.Instant
}

// tell makes a piece of the batches between two moments, and returns the begin of the
// next piece. The piece ends earlier if pods come or go: its pods are the pods of its
// first batch.
func (t *teller) tell(from, to schema.Instant) (p piece, next schema.Instant) {
	p.batch = archive.Batch{Cluster: Cluster, Seen: from, Watermarks: make(map[schema.Scope]schema.Instant),
		Carried: make(map[schema.Entity][]schema.MetricName), Vanished: make(map[schema.Entity]schema.Instant)}
	if t.first {
		p.batch.NamespaceLabels = teams()
		t.first = false
	}
	outage := t.story.outage()
	for next = from; next <= to; next = next.Add(Step) {
		if outage.From <= next && next <= outage.To {
			t.story.Skip(next)
			continue
		}
		batch := t.batch(next)
		uids := uidsOf(batch)
		if changed := !slices.Equal(uids, t.uids); changed && p.batch.Horizon > 0 {
			t.pending = &batch
			break
		} else if changed {
			t.uids = uids
			t.meet(&p, batch)
		}
		if next == outage.To.Add(Step) {
			p.gap = outage.To.Sub(outage.From) + Step
			p.holes = append(p.holes, archive.Hole{Cause: archive.CauseLate, Window: schema.Window{From: outage.From, To: next - 1},
				Detail: fmt.Sprintf("%v of samples were evicted before this pass, %v after the last: run it every minute", p.gap, p.gap+Step)})
		}
		p.batch.Rows = rowsOf(batch, p.batch.Rows)
		t.last, p.batch.Horizon = next, next
	}
	for _, row := range p.batch.Rows {
		p.batch.Watermarks[row.Entity.Scope()] = p.batch.Horizon
	}
	return p, next
}

// batch returns the story's batch of the moment.
func (t *teller) batch(at schema.Instant) heapsim.Batch {
	if t.pending != nil {
		batch := *t.pending
		t.pending = nil
		return batch
	}
	return t.story.Next(at)
}

// meet records the entities of a piece's first batch.
func (t *teller) meet(p *piece, batch heapsim.Batch) {
	present := make(map[schema.Entity]bool, len(t.listed))
	for _, row := range rowsOf(batch, nil) {
		e := row.Entity
		present[e] = true
		if t.listed[e] {
			continue
		}
		p.batch.Appeared = append(p.batch.Appeared, e)
		for _, r := range row.Readings {
			if _, known := schema.Lookup(r.Metric); !known {
				p.batch.Carried[e] = append(p.batch.Carried[e], r.Metric)
			}
		}
	}
	for e := range t.listed {
		if !present[e] {
			p.batch.Vanished[e] = t.last
		}
	}
	t.listed = present
	for _, identity := range t.story.identities(batch) {
		if t.pods[identity.Pod].UID != identity.UID {
			t.pods[identity.Pod] = identity
			p.batch.Identities = append(p.batch.Identities, identity)
		}
	}
}

// uidsOf returns the UIDs of the batch's pods.
func uidsOf(b heapsim.Batch) (uids []string) {
	for i := range b.Sets {
		if b.Sets[i].Entity.Kind == schema.Pod {
			uids = append(uids, b.Sets[i].Attributes["pod_id"])
		}
	}
	return uids
}
