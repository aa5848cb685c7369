package collect

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// overlap is how far before its watermark a scope is asked again: scrapes may
// overlap, and then a batch can appear after a newer one.
const overlap = 30 * time.Second

// closing is how long a pass that was told to stop may take to say so in the
// ledger.
const closing = 5 * time.Second

// Run makes one pass. The summary is valid whether or not there is an error:
// with one, it tells what was done until then, and that is stored.
//
// A scope that cannot be read is a hole in the summary and in the ledger, not
// an error. Errors are that Heapster cannot be reached at all, that it is not
// the cluster it was ([ForeignClusterError]), that the store failed, or that
// ctx ended.
func Run(ctx context.Context, source Source, store Store, opts Options) (Summary, error) {
	p := newPass(store, opts)
	p.source = source
	if opts.Deadline > 0 {
		d := deadline{p.record.Started.Add(opts.Deadline), opts.Deadline, opts.Now}
		p.source = timedSource{source, d}
		if opts.Enricher != nil {
			p.Enricher = timedEnricher{opts.Enricher, d}
		}
	}
	if err := p.begin(ctx); err != nil {
		return Summary{Pass: p.record}, err
	}
	return p.end(ctx, p.upkeep(ctx, p.run(ctx)))
}

// Fail notes in the ledger a pass that had no source to read, for that reason:
// what is lost meanwhile is lost because passes failed. It returns what Run
// would, with the reason as the error.
func Fail(ctx context.Context, store Store, opts Options, reason error) (Summary, error) {
	p := newPass(store, opts)
	if err := p.begin(ctx); err != nil {
		return Summary{Pass: p.record}, errors.Join(reason, err)
	}
	return p.end(ctx, reason)
}

// begin opens the pass's line in the ledger.
func (p *pass) begin(ctx context.Context) (err error) {
	if p.record.ID, err = p.store.BeginPass(ctx, p.record); err != nil {
		p.record.Outcome, p.record.Error = archive.OutcomeFailed, err.Error()
	}
	return err
}

// end closes it, though ctx may have ended.
func (p *pass) end(ctx context.Context, err error) (Summary, error) {
	p.record.Finished = p.Now()
	if p.source != nil {
		p.record.Requests, p.record.Bytes = p.source.Traffic()
	}
	p.record.Outcome = archive.OutcomeComplete
	switch {
	case err != nil:
		p.record.Outcome, p.record.Error = archive.OutcomeFailed, err.Error()
	case slices.ContainsFunc(p.holes, archive.Hole.Incomplete):
		p.record.Outcome = archive.OutcomePartial
	}
	closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	err = errors.Join(err, p.store.EndPass(closeCtx, p.record, p.holes[p.stored:]))
	return Summary{Pass: p.record, Holes: p.holes}, err
}

// pass is one pass under way. Only fetch works on several goroutines.
type pass struct {
	Options
	source Source // nil for a pass that cannot read any
	store  Store

	record  archive.Pass
	memory  archive.Memory
	export  export
	shown   testimony              // of pods, in the horizon's batch
	kube    kubernetes             // what was asked of it
	present map[schema.Entity]bool // what is listed
	taken   atomic.Int64           // samples read
	splits  *splitter
	holes   []archive.Hole
	stored  int    // how many of holes are in the ledger already
	hint    string // that was logged last, lest it be repeated at each hole

	batches []schema.Instant // that Heapster is known to have made lately, sorted
	step    time.Duration    // from one to the next
	setBack bool             // Heapster's clock was
	oldest  schema.Instant   // of the batches that Heapster still has whole
}

func newPass(store Store, opts Options) *pass {
	p := &pass{
		Options: opts,
		store:   store,
		record:  archive.Pass{Cluster: opts.Cluster, Version: opts.Version, Started: opts.Now()},
	}
	p.splits = newSplitter(p)
	return p
}

// stages are the kinds that are fetched, and then stored, together: one
// transaction for the few small ones and one for each large one. Containers
// and labelled series are the last stage.
var (
	stages = [][]schema.Kind{
		{schema.Node, schema.Namespace},
		{schema.Pod},
	}
	containerKinds = []schema.Kind{schema.Container, schema.SystemContainer}
)

func (p *pass) run(ctx context.Context) error {
	var err error
	if p.memory, err = p.store.Memory(ctx, p.Cluster); err != nil {
		return err
	}
	cluster, err := p.readCluster(ctx)
	if err != nil {
		return err
	}
	found, err := p.discover(ctx)
	if err != nil {
		return err
	}
	p.present = found.present
	if err := p.checkNodes(found); err != nil {
		return err
	}
	if p.record.Horizon == 0 {
		if err := p.probe(ctx, found.listed); err != nil {
			return err
		}
	}
	p.checkClock()
	p.checkFreshness(ctx, len(found.listed) > 0)

	underway := p.beginExport(ctx)
	defer underway.abandon()

	// What the first batch says of entities holds for all that follow.
	batch := p.batch()
	batch.Horizon = p.record.Horizon
	batch.Appeared, batch.Vanished = found.appeared, found.vanished
	batch.Rows = cluster
	if p.record.Horizon > 0 {
		batch.Watermarks[schema.Scope{Kind: schema.Cluster}] = p.record.Horizon
	}
	for _, kinds := range stages {
		if batch.Carried, err = p.discoverNames(ctx, found, kinds); err != nil {
			return err
		}
		plan := p.plan(found, batch.Carried, kinds)
		a, err := p.fetch(ctx, &plan)
		if err != nil {
			return err
		}
		if slices.Contains(kinds, schema.Pod) {
			p.shown = testify(plan.requests, a, p.record.Horizon, found.isShared)
		}
		if err := p.keep(ctx, batch, plan, a); err != nil {
			return err
		}
		batch = p.batch()
	}
	if err := p.readContainers(ctx, underway, found, batch); err != nil {
		return err
	}
	return p.enrich(ctx, found)
}

// readContainers is the last stage: containers, system containers and labelled
// series, with what metric-export tells.
func (p *pass) readContainers(ctx context.Context, underway *exporting, found discovery, batch archive.Batch) (err error) {
	listed := len(found.appeared)
	if p.export, err = p.finishExport(ctx, underway, &found); err != nil {
		return err
	}
	p.chooseContainers(found)
	if p.Containers == ContainersFull {
		if batch.Carried, err = p.discoverNames(ctx, found, containerKinds); err != nil {
			return err
		}
	}
	plan := p.planContainers(found, batch.Carried)
	a, err := p.fetch(ctx, &plan)
	if err != nil {
		return err
	}
	p.reconcile(&found, plan, a)
	p.export.identities = p.identities(found)
	p.withoutUID()
	batch.Rows = p.export.rows
	batch.Appeared, batch.Vanished = p.labelledChanges()
	batch.Appeared = append(batch.Appeared, found.appeared[listed:]...) // by the export alone
	batch.Identities = p.news(p.export.identities)
	batch.NamespaceIDs = p.learned(found)
	return p.keep(ctx, batch, plan, a)
}

// keep judges what a plan brought, and stores it with the batch.
func (p *pass) keep(ctx context.Context, batch archive.Batch, plan plan, a answers) error {
	p.record.Entities += plan.entities
	watermarks, asked := p.settle(plan, a.errs)
	batch.Rows = append(batch.Rows, a.rows...)
	maps.Copy(batch.Watermarks, watermarks)
	maps.Copy(batch.Asked, asked)
	if err := p.write(ctx, batch); err != nil {
		return err
	}
	p.Log.Debug("stored", "requests", len(plan.requests), "rows", len(batch.Rows))
	return nil
}

func (p *pass) batch() archive.Batch {
	return archive.Batch{
		Pass:       p.record.ID,
		Cluster:    p.Cluster,
		Seen:       p.seen(),
		Watermarks: make(map[schema.Scope]schema.Instant),
		Asked:      make(map[schema.Scope][]schema.MetricName),
	}
}

func (p *pass) write(ctx context.Context, batch archive.Batch) error {
	batch.Holes = p.holes[p.stored:]
	written, err := p.store.Write(ctx, batch)
	if err != nil {
		return err
	}
	p.stored = len(p.holes)
	p.record.New += written.New
	p.record.Duplicates += written.Duplicates
	p.record.Conflicts += written.Conflicts
	for _, row := range batch.Rows {
		p.record.Newest = max(p.record.Newest, row.At)
	}
	return nil
}

// upkeep has the store do its share of upkeep, also where a write found too little
// space: deleting old samples may make room for the next pass. A pass whose samples
// are stored has failed when that fails.
func (p *pass) upkeep(ctx context.Context, err error) error {
	if err != nil && !errors.Is(err, archive.ErrNoSpace) || p.record.Horizon == 0 {
		return err
	}
	done, failed := p.store.Upkeep(ctx, p.earlier())
	if done != (archive.Upkeep{}) {
		p.Log.Debug("upkeep", "moved", done.Moved, "deleted", done.Deleted)
	}
	if err != nil && errors.Is(failed, archive.ErrNoSpace) {
		return err // which says the same
	}
	return errors.Join(err, failed)
}

// earlier is the earlier one of Heapster's clock and the local one: neither may
// make what is young look old.
func (p *pass) earlier() schema.Instant {
	return min(p.record.Horizon, schema.InstantOf(p.Now()))
}

// seen is Heapster's time at which its lists were read, the local clock's
// where Heapster has shown none.
func (p *pass) seen() schema.Instant {
	if p.record.Horizon > 0 {
		return p.record.Horizon
	}
	return schema.InstantOf(p.Now())
}
