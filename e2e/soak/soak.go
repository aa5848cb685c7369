package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/e2e/oracle"
	"heapstash/heapster"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

type options struct {
	length, pods int // the length in days
	seed         uint64
	path         string // of the archive
}

const (
	batchesADay = 24 * 60
	churn       = 0.05 // of the pods, an hour
)

// soak is a Heapster with its clock, and an archive.
type soak struct {
	options
	now     time.Time // of Heapster, and of the passes
	cluster *heapsim.Cluster
	sim     *heapsim.Server
	http    *http.Client
	base    *url.URL
	passes  collect.Options

	due    float64 // pods that are to be replaced
	fed    int64   // samples
	stored int64   // samples, as the passes say
	days   []day
}

// day is what was measured in a simulated day.
type day struct {
	size   int64         // of the archive at its end, with its log
	heap   uint64        // bytes in use at its end
	rss    int64         // bytes
	median time.Duration // of a pass, by the wall
	slow   time.Duration // of a hundred passes, one takes longer
	cpu    time.Duration // a pass, Heapster included
	stored int64         // samples so far
	wall   time.Duration
}

func newSoak(o options) (*soak, error) {
	s := &soak{options: o, now: time.Date(2017, 9, 1, 0, 0, 0, 0, time.UTC)}
	s.cluster = heapsim.NewCluster(heapsim.ClusterOptions{Seed: o.seed, Nodes: 2, Namespaces: 2, Pods: o.pods, Containers: 1})
	clock := func() time.Time { return s.now }
	s.sim = heapsim.New(heapsim.Options{Now: clock, Seed: o.seed})
	s.http = &http.Client{Transport: direct{s.sim}}
	s.base = &url.URL{Scheme: "http", Host: "heapster"}
	s.passes = collect.DefaultOptions()
	s.passes.Now = clock
	// The standard metrics of containers, by one request instead of a
	// thousand: a month is to fit into half an hour.
	s.passes.Containers = collect.ContainersExport
	return s, nil
}

// run soaks, prints what it measures, and judges it.
func (s *soak) run(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "%d days, a batch a minute, a pass each; %d pods, of which %.0f %% are replaced an hour; seed %d\n\n",
		s.length, s.pods, 100*churn, s.seed)
	fmt.Fprintln(out, "| day | samples | archive MB | +MB | pass ms | p99 ms | CPU ms a pass | heap MB | RSS MB | wall s |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|")
	began := time.Now()
	for range s.length {
		if err := s.day(ctx); err != nil {
			return err
		}
		s.print(out)
	}
	fmt.Fprintf(out, "\n%d passes in %v\n", s.length*batchesADay, time.Since(began).Round(time.Second))
	return s.judge(ctx, out)
}

// day simulates one.
func (s *soak) day(ctx context.Context) error {
	var d day
	began, cpu := time.Now(), cpuTime()
	took := make([]time.Duration, 0, batchesADay)
	for range batchesADay {
		s.feed()
		passing := time.Now()
		if err := s.pass(ctx); err != nil {
			return fmt.Errorf("the pass at %v: %w", s.now, err)
		}
		took = append(took, time.Since(passing))
	}
	slices.Sort(took)
	d.median, d.slow = took[len(took)/2], took[len(took)*99/100]
	d.wall, d.cpu, d.stored = time.Since(began), (cpuTime()-cpu)/batchesADay, s.stored
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(s.path + suffix); err == nil {
			d.size += info.Size()
		}
	}
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	d.heap = memory.HeapAlloc
	var err error
	d.rss, err = resident()
	s.days = append(s.days, d)
	return err
}

// feed gives Heapster its next batch.
func (s *soak) feed() {
	s.now = s.now.Add(time.Minute)
	s.due += float64(s.pods) * churn / 60
	if n := int(s.due); n > 0 {
		s.cluster.Churn(n)
		s.due -= float64(n)
	}
	b := s.cluster.Next(s.now)
	s.sim.Feed(b)
	for _, set := range b.Sets {
		s.fed += int64(len(set.Labelled))
		for m := range set.Values {
			if k := set.Entity.Kind; k != schema.Container && k != schema.SystemContainer || oracle.IsExported(m) {
				s.fed++
			}
		}
	}
}

// pass makes one as `heapstash run` does, with the archive open for no longer.
func (s *soak) pass(ctx context.Context) error {
	client, err := heapster.New(s.http, s.base, heapster.Options{})
	if err != nil {
		return err
	}
	store, err := archive.Open(ctx, s.path, archive.Options{})
	if err != nil {
		return err
	}
	sum, err := collect.Run(ctx, client, store, s.passes)
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	s.stored += int64(sum.Pass.New)
	if len(sum.Holes) > 0 || sum.Pass.Outcome != schema.OutcomeComplete {
		return fmt.Errorf("it is %s, with the holes %v", sum.Pass.Outcome, sum.Holes)
	}
	return nil
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// resident is the memory that this process has from the kernel, in bytes.
func resident() (int64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var size, pages int64
	_, err = fmt.Sscan(string(text), &size, &pages)
	return pages * int64(os.Getpagesize()), err
}
