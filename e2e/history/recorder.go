package history

import (
	"database/sql/driver"
	"fmt"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// recorder turns a cluster's batches into rows.
type recorder struct {
	Options
	out     *batches
	cluster *heapsim.Cluster
	events  []event
	outages []schema.Window
	tables  map[schema.Kind]*table

	known    map[schema.Entity]*entity
	entities []*entity      // in the order of their ids
	newest   schema.Instant // of the batches
}

// entity is an entity of the archive.
type entity struct {
	schema.Entity
	id           int64
	first, last  schema.Instant
	incarnations []*incarnation // of a pod
	rollup       *rollup        // nil: all its rows are kept
	rows         []driver.Value // of the hour that is not over
}

// incarnation is a pod's time under one uid.
type incarnation struct {
	schema.Identity
	last schema.Instant
}

func newRecorder(o Options, out *batches) *recorder {
	r := &recorder{Options: o, out: out, outages: outages(o), tables: make(map[schema.Kind]*table), known: make(map[schema.Entity]*entity)}
	r.cluster, r.events = newCluster(o)
	for _, kind := range kinds {
		r.tables[kind] = newTable(kind)
	}
	return r
}

// kinds are the kinds that the archive has.
var kinds = []schema.Kind{schema.Cluster, schema.Node, schema.Namespace, schema.Pod}

// record records every batch, and then the ledger.
func (r *recorder) record() {
	for m := range r.minutes() {
		at := r.begin() + schema.Instant(m)*minute
		for len(r.events) > 0 && r.events[0].minute == m {
			r.events[0].do(r.cluster)
			r.events = r.events[1:]
		}
		if at%hour == 0 {
			r.flush(at - hour)
		}
		if r.isOut(at) {
			r.cluster.Skip(at.Time())
			continue
		}
		for _, set := range r.cluster.Next(at.Time()).Sets {
			r.add(set, at)
		}
		r.newest = at
		if m%minutesOfDay == 0 {
			if r.out.ctx.Err() != nil {
				return
			}
			if n := m / minutesOfDay; n > 0 && n%max(r.Days/10, 1) == 0 {
				fmt.Fprintf(r.Progress, "%d of %d days\n", n, r.Days)
			}
		}
	}
	r.flush(r.newest)
	for _, e := range r.entities {
		if e.rollup != nil {
			e.rollup.endHour()
			e.rollup.endDay()
		}
	}
	r.writeLedger()
}

// isOut reports whether nothing was archived at that moment.
func (r *recorder) isOut(at schema.Instant) bool {
	for _, o := range r.outages {
		if o.From <= at && at <= o.To {
			return true
		}
	}
	return false
}

// add adds what a batch has of an entity.
func (r *recorder) add(set heapsim.Set, at schema.Instant) {
	e := r.known[set.Entity]
	if e == nil {
		e = &entity{Entity: set.Entity, id: int64(len(r.entities) + 1), first: at}
		r.known[set.Entity] = e
		r.entities = append(r.entities, e)
	}
	e.last = at
	if e.Kind == schema.Pod {
		if n := len(e.incarnations); n == 0 || e.incarnations[n-1].UID != set.Attributes["pod_id"] {
			i, _ := r.cluster.Identity(e.Entity)
			i.Since = at
			e.incarnations = append(e.incarnations, &incarnation{Identity: i})
		}
		e.incarnations[len(e.incarnations)-1].last = at
	}
	t := r.tables[e.Kind]
	t.read(set.Values)
	if at >= r.End-schema.Instant(r.RawDays)*day {
		e.rows = append(e.rows, e.id, int64(at))
		for i := range t.columns {
			e.rows = append(e.rows, cellOf(t.values[i], t.values[i] != none))
		}
		return
	}
	if e.rollup == nil {
		e.rollup = newRollup(t, e.id, r.out)
	}
	e.rollup.add(at, t.values)
}

// flush writes the rows of an hour, entity by entity, as compaction does.
func (r *recorder) flush(of schema.Instant) {
	for _, e := range r.entities {
		t := r.tables[e.Kind]
		insert, width := t.cold, 2+len(t.columns)
		if of >= r.End {
			insert = t.hot
		}
		for i := 0; i < len(e.rows); i += width {
			r.out.add(insert, e.rows[i:i+width])
		}
		e.rows = e.rows[:0]
	}
}
