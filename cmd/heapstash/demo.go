package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"heapstash/cmd/heapstash/demo"
	"heapstash/cmd/heapstash/engine"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

const (
	demoFile   = "heapstash-demo.db"
	demoPasses = 6 // by the stand-in, at most
	// demoAge is how long ago an archive may have ended that the demo goes on with.
	demoAge = 30 * 24 * time.Hour
)

// demonstration shows the main job on a cluster that is made up.
type demonstration struct {
	cfg         Config
	out, errors io.Writer
	log         *slog.Logger
	// program is how heapstash was called, for commands to be copied.
	program string
	now     func() time.Time

	days       int
	stay       bool
	listen     string
	resolution time.Duration

	// clock is Heapster's, and that of the passes until it serves: Unix seconds.
	clock atomic.Int64
}

func (d *demonstration) run(ctx context.Context) error {
	if d.days < 0 || d.days > 30 {
		return fmt.Errorf("--days %d: from 0 to 30", d.days)
	}
	if d.resolution < time.Second || d.resolution%time.Second != 0 {
		return fmt.Errorf("--resolution %v: whole seconds, at least one", d.resolution)
	}
	hasten()
	heapster := heapsim.New(heapsim.Options{Now: func() time.Time { return time.Unix(d.clock.Load(), 0) }})
	url, stop, err := d.start(heapster)
	if err != nil {
		return err
	}
	defer stop()
	d.cfg.HeapsterURL = url

	story, err := d.bring(ctx, heapster)
	if err == nil {
		err = d.show(ctx)
	}
	if err == nil && d.stay {
		err = d.serve(ctx, story, heapster)
	}
	return err
}

// bring brings the archive up to now, and makes one where there is none. The
// story has come as far.
func (d *demonstration) bring(ctx context.Context, heapster *heapsim.Server) (story *demo.Story, err error) {
	state, err := d.look(ctx)
	if err != nil {
		return nil, err
	}
	story = demo.NewStory(state.Begin, state.Shaken)
	now := schema.InstantOf(d.now().Truncate(demo.Step))
	first := max(state.Begin, state.Newest.Add(demo.Step), now.Add(-(demoPasses-1)*demo.Step))
	fmt.Fprintf(d.out, "A made-up cluster: %s.\n", story.Size())
	if begin := max(state.Begin, state.Newest.Add(demo.Step)); begin < first {
		err = d.fill(ctx, story, begin, first.Add(-demo.Step))
	} else if state.Newest > 0 {
		story.Skip(state.Newest.Add(-demo.Step))
		d.feed(story, heapster, state.Newest)
	}
	if err == nil {
		err = d.passes(ctx, story, heapster, first, now)
	}
	if ctx.Err() != nil && err != nil {
		fmt.Fprintf(d.out, "\nIt was interrupted. It goes on from here when it is run again.\n")
	}
	return story, err
}

// look returns how far the archive has come, and where a new one begins. It
// refuses an archive that is not the demo's own.
func (d *demonstration) look(ctx context.Context) (demo.State, error) {
	state, err := demo.Look(ctx, d.cfg.DBFile)
	switch age := d.now().Sub(state.Newest.Time()); {
	case err != nil:
		return state, err
	case state.Foreign != "":
		return state, schema.WithHint(
			fmt.Errorf("%s holds samples of the cluster %q: the demo does not write into it", d.cfg.DBFile, state.Foreign),
			"name another file with --db-file",
		)
	case state.Newest == 0:
		// A new one, or one that was interrupted before its first row.
		state.Begin = demo.Beginning(d.now(), d.days)
	case age > demoAge:
		return state, schema.WithHint(
			fmt.Errorf("%s ends %d days ago: the demo does not make up that much", d.cfg.DBFile, int(age.Hours()/24)),
			"delete it, or name another file with --db-file",
		)
	}
	return state, nil
}

// fill writes what was before the passes straight into the archive.
func (d *demonstration) fill(ctx context.Context, story *demo.Story, from, to schema.Instant) error {
	fmt.Fprintf(d.out, "What there was since %s goes straight into\n%s.\n", from, d.cfg.DBFile)
	store, err := engine.Open(ctx, d.cfg.DBFile, optionsOf(d.cfg))
	if err != nil {
		return err
	}
	began := time.Now()
	bar := newProgress(d.errors, from, to)
	rows := 0
	err = demo.Fill(ctx, store, story, from, to, func(n int, at schema.Instant) {
		rows = n
		bar.at(at)
	})
	bar.end()
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(d.out, "%d rows, up to %s, in %.1f s, with their hours and days.\n\n", rows, to, time.Since(began).Seconds())
	return err
}

// feed gives the stand-in the batch of a moment, which is then its clock's.
func (d *demonstration) feed(story *demo.Story, heapster *heapsim.Server, at schema.Instant) {
	d.clock.Store(int64(at))
	heapster.Feed(story.Next(at))
}

// passes feeds the stand-in batch after batch and makes a pass after each.
func (d *demonstration) passes(ctx context.Context, story *demo.Story, heapster *heapsim.Server, first, last schema.Instant) error {
	if first > last {
		_, err := fmt.Fprintf(d.out, "%s is up to date: there is a new batch every minute.\n", d.cfg.DBFile)
		return err
	}
	fmt.Fprintf(d.out, "The last minutes come by passes, from a stand-in for Heapster at\n%s. Its clock is accelerated.\n\n", d.cfg.HeapsterURL)
	fmt.Fprintf(d.out, "%6s  %-20s  %8s  %11s  %8s  %8s\n", "pass", "batch of", "entities", "new samples", "requests", "received")
	p := &passer{cfg: d.cfg, log: d.log, enricher: story, now: func() time.Time { return time.Unix(d.clock.Load(), 0) }}
	event, before := "", 0
	for at := first; at <= last; at = at.Add(demo.Step) {
		shaken := at == last.Add(-demoPasses/2*demo.Step)
		if shaken {
			event = story.Shake()
		}
		d.feed(story, heapster, at)
		summary, err := p.pass(ctx)
		if err != nil {
			return err
		}
		if !summary.Complete() {
			return fmt.Errorf("%w: %s", errHoles, countCauses(summary.Holes))
		}
		done := summary.Pass
		if shaken {
			before = int(done.ID)
		}
		fmt.Fprintf(d.out, "%6d  %-20s  %8d  %11d  %8d  %8s\n", done.ID, done.Newest, done.Entities, done.New, done.Requests, schema.Size(done.Bytes))
	}
	if event != "" {
		fmt.Fprint(d.out, folded(fmt.Sprintf("Before pass %d, %s.", before, event)))
	}
	return nil
}
