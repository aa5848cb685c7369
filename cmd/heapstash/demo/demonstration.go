package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/passes"
	"heapstash/cmd/heapstash/show"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

const (
	File       = "heapstash-demo.db"
	mostPasses = 6 // the passes from the stand-in at most
	// mostAge is how old the end of an archive may be that the demo continues.
	mostAge = 30 * 24 * time.Hour
)

// Demonstration archives a made-up cluster, and shows its archive.
type Demonstration struct {
	Cfg         config.Config
	Out, Errors io.Writer
	Log         *slog.Logger
	// Program is how heapstash was called, for commands that are copied.
	Program string
	Now     func() time.Time

	Days       int
	Stay       bool
	Listen     string
	Resolution time.Duration

	// clock is Heapster's clock in Unix seconds. Passes have it until the demo serves.
	clock atomic.Int64
}

func (d *Demonstration) Run(ctx context.Context) error {
	if d.Days < 0 || d.Days > 30 {
		return fmt.Errorf("--days %d: from 0 to 30", d.Days)
	}
	if d.Resolution < time.Second || d.Resolution%time.Second != 0 {
		return fmt.Errorf("--resolution %v: whole seconds, at least one", d.Resolution)
	}
	hasten()
	heapster := heapsim.New(heapsim.Options{Now: func() time.Time { return time.Unix(d.clock.Load(), 0) }})
	url, stop, err := d.start(heapster)
	if err != nil {
		return err
	}
	defer stop()
	d.Cfg.HeapsterURL = url

	story, err := d.bring(ctx, heapster)
	if err == nil {
		err = d.show(ctx)
	}
	if err == nil && d.Stay {
		err = d.serve(ctx, story, heapster)
	}
	return err
}

// bring continues the archive up to now, and makes one if there is none. It returns the
// story up to now.
func (d *Demonstration) bring(ctx context.Context, heapster *heapsim.Server) (story *Story, err error) {
	state, err := d.look(ctx)
	if err != nil {
		return nil, err
	}
	story = NewStory(state.Begin, state.Shaken)
	now := schema.InstantOf(d.Now().Truncate(Step))
	first := max(state.Begin, state.Newest.Add(Step), now.Add(-(mostPasses-1)*Step))
	fmt.Fprintf(d.Out, "A made-up cluster: %s.\n", story.Size())
	if begin := max(state.Begin, state.Newest.Add(Step)); begin < first {
		err = d.fill(ctx, story, begin, first.Add(-Step))
	} else if state.Newest > 0 {
		story.Skip(state.Newest.Add(-Step))
		d.feed(story, heapster, state.Newest)
	}
	if err == nil {
		err = d.passes(ctx, story, heapster, first, now)
	}
	if ctx.Err() != nil && err != nil {
		fmt.Fprintf(d.Out, "\nIt was interrupted. It goes on from here when it is run again.\n")
	}
	return story, err
}

// look returns the begin and the end of the archive's story. It refuses an archive that a
// demo did not make.
func (d *Demonstration) look(ctx context.Context) (State, error) {
	state, err := Look(ctx, d.Cfg.DBFile)
	switch age := d.Now().Sub(state.Newest.Time()); {
	case err != nil:
		return state, err
	case state.Foreign != "":
		return state, schema.WithHint(
			fmt.Errorf("%s holds samples of the cluster %q: the demo does not write into it", d.Cfg.DBFile, state.Foreign),
			"name another file with --db-file",
		)
	case state.Newest == 0:
		// There is none, or it has no row yet.
		state.Begin = Beginning(d.Now(), d.Days)
	case age > mostAge:
		return state, schema.WithHint(
			fmt.Errorf("%s ends %d days ago: the demo does not make up that much", d.Cfg.DBFile, int(age.Hours()/24)),
			"delete it, or name another file with --db-file",
		)
	}
	return state, nil
}

// fill writes the time before the passes straight into the archive.
func (d *Demonstration) fill(ctx context.Context, story *Story, from, to schema.Instant) error {
	fmt.Fprintf(d.Out, "What there was since %s goes straight into\n%s.\n", from, d.Cfg.DBFile)
	store, err := engine.Open(ctx, d.Cfg, engine.Options{LockWait: d.Cfg.RetryLock})
	if err != nil {
		return err
	}
	began := time.Now()
	steps := show.Steps(d.Errors)
	rows, all := 0, int(to.Sub(from)/Step)
	err = Fill(ctx, store, story, from, to, func(n int, at schema.Instant) {
		if rows = n; steps != nil {
			steps("batches, up to "+at.String(), int(at.Sub(from)/Step), all)
		}
	})
	if steps != nil {
		steps("", all, all)
	}
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(d.Out, "%d rows, up to %s, in %.1f s, with their hours and days.\n\n", rows, to, time.Since(began).Seconds())
	return err
}

// feed gives the stand-in the batch of a moment, and sets its clock to that moment.
func (d *Demonstration) feed(story *Story, heapster *heapsim.Server, at schema.Instant) {
	d.clock.Store(int64(at))
	heapster.Feed(story.Next(at))
}

// passes feeds batches to the stand-in, and makes a pass after each.
func (d *Demonstration) passes(ctx context.Context, story *Story, heapster *heapsim.Server, first, last schema.Instant) error {
	if first > last {
		_, err := fmt.Fprintf(d.Out, "%s is up to date: there is a new batch every minute.\n", d.Cfg.DBFile)
		return err
	}
	fmt.Fprintf(d.Out, "The last minutes come by passes, from a stand-in for Heapster at\n%s. Its clock is accelerated.\n\n", d.Cfg.HeapsterURL)
	fmt.Fprintf(d.Out, "%6s  %-20s  %8s  %11s  %8s  %8s\n", "pass", "batch of", "entities", "new samples", "requests", "received")
	p := &passes.Passer{Cfg: d.Cfg, Log: d.Log, Enricher: story, Now: func() time.Time { return time.Unix(d.clock.Load(), 0) }}
	event, before := "", 0
	for at := first; at <= last; at = at.Add(Step) {
		shaken := at == last.Add(-mostPasses/2*Step)
		if shaken {
			event = story.Shake()
		}
		d.feed(story, heapster, at)
		summary, err := p.Pass(ctx)
		if err != nil {
			return err
		}
		if !summary.Complete() {
			return fmt.Errorf("%w: %s", passes.ErrHoles, passes.CountCauses(summary.Holes))
		}
		done := summary.Pass
		if shaken {
			before = int(done.ID)
		}
		fmt.Fprintf(d.Out, "%6d  %-20s  %8d  %11d  %8d  %8s\n", done.ID, done.Newest, done.Entities, done.New, done.Requests, schema.Size(done.Bytes))
	}
	if event != "" {
		fmt.Fprint(d.Out, show.Wrap(width, "", fmt.Sprintf("Before pass %d, %s.", before, event)))
	}
	return nil
}
