package collect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect/fetch"
	"heapstash/archive/collect/metricexport"
	"heapstash/archive/collect/plan"
	"heapstash/archive/collect/timeline"
	"heapstash/schema"
)

// closing is how long a cancelled pass may take to write so into the ledger.
const closing = 5 * time.Second

// Run makes one pass. The summary is valid even with an error: then it has what
// the pass stored before.
//
// A scope that cannot be read is a hole in the summary and in the ledger, not an
// error. It is an error if Heapster cannot be reached at all, if it is another
// cluster ([ForeignClusterError]), if the store fails, or if ctx ends.
func Run(ctx context.Context, source Source, store Store, opts Options) (Summary, error) {
	p := newPass(store, opts)
	p.source = source
	if err := p.begin(ctx); err != nil {
		return Summary{Pass: p.record}, err
	}
	asking, cancel := p.withDeadline(ctx)
	defer cancel()
	err := p.run(ctx, asking)
	if ctx.Err() == nil {
		err = p.overdue(err)
	}
	return p.end(ctx, p.upkeep(ctx, err))
}

// Fail notes in the ledger a pass that has no source to read, with the reason:
// samples that Heapster drops meanwhile are lost because passes failed. It
// returns the same as Run, with the reason as the error.
func Fail(ctx context.Context, store Store, opts Options, reason error) (Summary, error) {
	p := newPass(store, opts)
	if err := p.begin(ctx); err != nil {
		return Summary{Pass: p.record}, errors.Join(reason, err)
	}
	return p.end(ctx, reason)
}

// begin opens the pass's row in the ledger.
func (p *pass) begin(ctx context.Context) (err error) {
	if p.record.ID, err = p.store.BeginPass(ctx, p.record); err != nil {
		p.record.Outcome, p.record.Error = archive.OutcomeFailed, err.Error()
	}
	return err
}

// end closes the row, even if ctx has ended.
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

// pass is one pass. Its methods run on one goroutine; only the fetcher and the
// lists use several.
type pass struct {
	Options
	source Source // nil for a pass without one
	store  Store

	record         archive.Pass
	memory         archive.Memory
	timeline       *timeline.Timeline
	planner        plan.Planner
	fetcher        *fetch.Fetcher
	metricExport   metricExport
	shown          metricexport.Evidence // of pods, in the horizon's batch
	kubePods       answer[schema.Identity]
	kubeNamespaces answer[schema.NamespaceIdentity]
	present        map[schema.Entity]bool // the listed entities
	taken          atomic.Int64           // samples read
	holes          []archive.Hole
	stored         int    // how many of holes are in the ledger already
	hint           string // the last one logged, to log it once for many holes
}

func newPass(store Store, opts Options) *pass {
	return &pass{
		Options: opts,
		store:   store,
		record:  archive.Pass{Cluster: opts.Cluster, Version: opts.Version, Started: opts.Now()},
	}
}

// stages are the kinds that are fetched and stored together: one transaction for
// the few small kinds and one for each large kind. Containers and labelled series
// are the last stage.
var (
	stages = [][]schema.Kind{
		{schema.Node, schema.Namespace},
		{schema.Pod},
	}
	containerKinds = []schema.Kind{schema.Container, schema.SystemContainer}
)

// run reads with one context, which ends at the pass's deadline, and stores with
// the other.
func (p *pass) run(ctx, asking context.Context) error {
	var err error
	if p.memory, err = p.store.Memory(ctx, p.Cluster); err != nil {
		return err
	}
	p.timeline = timeline.New(p.memory, p.Now)
	p.planner = plan.Planner{Memory: p.memory, Timeline: p.timeline, SplitPods: p.source.SplitPods}
	p.fetcher = fetch.New(p.source, p.Concurrency, p.planner.RefusedBefore)
	p.fetcher.Skip, p.fetcher.Take = p.skip, p.take
	cluster, err := p.readCluster(asking)
	if err != nil {
		return err
	}
	found, err := p.discover(asking)
	if err != nil {
		return err
	}
	p.present = found.present
	if err := p.checkNodes(found); err != nil {
		return err
	}
	if p.record.Horizon == 0 {
		if err := p.findHorizon(asking, found.listed); err != nil {
			return err
		}
	}
	p.checkClock()
	p.checkFreshness(asking, len(found.listed) > 0)

	download := p.downloadExport(asking)
	defer download.abandon()

	// The first batch has what holds for all of them.
	batch := p.batch()
	batch.Horizon = p.record.Horizon
	batch.Appeared, batch.Vanished = found.appeared, found.vanished
	batch.Rows = cluster
	if p.record.Horizon > 0 {
		batch.Watermarks[schema.Scope{Kind: schema.Cluster}] = p.record.Horizon
	}
	for _, kinds := range stages {
		if batch.Carried, err = p.discoverNames(asking, found, kinds); err != nil {
			return err
		}
		todo := p.planner.Unlabelled(slices.Concat(found.listed, found.recent), found.present, batch.Carried, kinds)
		result, err := p.fetch(asking, todo.Requests)
		if err != nil {
			return err
		}
		if slices.Contains(kinds, schema.Pod) {
			p.shown = evidence(result, p.record.Horizon, found.lists.IsShared)
		}
		if err := p.keep(ctx, batch, todo, result); err != nil {
			return err
		}
		batch = p.batch()
	}
	if err := p.readContainers(ctx, asking, download, found, batch); err != nil {
		return err
	}
	return p.enrich(ctx, asking, found)
}

// readContainers is the last stage: containers, system containers and labelled
// series, together with what metric-export shows.
func (p *pass) readContainers(ctx, asking context.Context, download *download, found discovery, batch archive.Batch) (err error) {
	listed := len(found.appeared)
	if p.metricExport, err = p.finishExport(asking, download, &found); err != nil {
		return err
	}
	p.chooseContainers(found)
	if p.Containers == ContainersFull {
		if batch.Carried, err = p.discoverNames(asking, found, containerKinds); err != nil {
			return err
		}
	}
	todo := p.planContainers(found, batch.Carried)
	result, err := p.fetch(asking, todo.Requests)
	if err != nil {
		return err
	}
	p.reconcile(&found, result)
	p.metricExport.identities = p.identities(found)
	p.checkUIDs()
	batch.Rows = p.metricExport.rows
	batch.Appeared, batch.Vanished = p.labelledChanges()
	batch.Appeared = append(batch.Appeared, found.appeared[listed:]...) // only the export has these
	batch.Identities = p.changed(p.metricExport.identities)
	batch.NamespaceIDs = p.learnedIDs()
	return p.keep(ctx, batch, todo, result)
}

// fetch sends requests. Its error is that the pass was cancelled.
func (p *pass) fetch(ctx context.Context, requests []fetch.Request) (fetch.Result, error) {
	result := p.fetcher.Fetch(ctx, requests)
	return result, cancelled(ctx)
}

// skip returns an error for requests that are left out when time is short. Pods,
// namespaces and nodes are never left out.
func (p *pass) skip(r fetch.Request) error {
	if (isContainer(r.Scope.Kind) || r.Scope.Part == schema.Labelled) && p.overBudget() {
		return fmt.Errorf("left out %v after the pass began: %w", p.Budget, schema.ErrBudget)
	}
	return nil
}

// keep settles what a plan brought, and stores it with the batch.
func (p *pass) keep(ctx context.Context, batch archive.Batch, todo plan.Plan, result fetch.Result) error {
	p.record.Entities += todo.Entities
	watermarks, asked := p.settle(todo.Scopes, result)
	batch.Rows = append(batch.Rows, result.Rows...)
	maps.Copy(batch.Watermarks, watermarks)
	maps.Copy(batch.Asked, asked)
	if err := p.write(ctx, batch); err != nil {
		return err
	}
	p.Log.Debug("stored", "requests", len(result.Requests), "rows", len(batch.Rows))
	return nil
}

func (p *pass) batch() archive.Batch {
	return archive.Batch{
		Pass:       p.record.ID,
		Cluster:    p.Cluster,
		Seen:       p.timeline.Seen(),
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

// upkeep has the store do its share of upkeep, also if a write found too little
// space: deleting old samples may free it for the next pass. If upkeep fails, so
// does the pass, although its samples are stored.
func (p *pass) upkeep(ctx context.Context, err error) error {
	if err != nil && !errors.Is(err, archive.ErrNoSpace) || p.record.Horizon == 0 {
		return err
	}
	done, failed := p.store.Upkeep(ctx, p.timeline.Earlier())
	if done != (archive.Upkeep{}) {
		p.Log.Debug("upkeep", "moved", done.Moved, "deleted", done.Deleted)
	}
	if errors.Is(failed, archive.ErrLake) {
		p.Log.Warn(failed.Error(), "hint", schema.HintOf(failed))
		return err
	}
	if err != nil && errors.Is(failed, archive.ErrNoSpace) {
		return err // which says the same
	}
	return errors.Join(err, failed)
}
