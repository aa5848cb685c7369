package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"slices"
	"time"

	"heapstash/e2e/oracle"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

type options struct {
	Days, Pods int
	Seed       uint64
	Path       string // of the archive
}

const (
	batchesADay = 24 * 60
	churn       = 0.05 // of the pods, an hour
)

// batchesAPeriod is the number of batches of a day, or of an hour in a short soak.
func (o options) batchesAPeriod() int {
	if o.Days < 6 {
		return 60
	}
	return batchesADay
}

// cluster is the cluster that options make.
func (o options) cluster() heapsim.ClusterOptions {
	return heapsim.ClusterOptions{Seed: o.Seed, Nodes: 1, Namespaces: 2, Pods: o.Pods, Containers: 1}
}

// begin is a minute before the first batch.
var begin = time.Date(2017, 9, 1, 0, 0, 0, 0, time.UTC)

// world is a cluster in the course of time. The same options make the same world:
// the process that makes passes has one, and the process that judges them another.
type world struct {
	options
	cluster *heapsim.Cluster
	now     time.Time // of the last batch
	due     float64   // pods to be replaced
}

// advance replaces pods and moves the clock on by a minute.
func (w *world) advance() {
	w.now = w.now.Add(time.Minute)
	w.due += float64(w.Pods) * churn / 60
	if n := int(w.due); n > 0 {
		w.cluster.Churn(n)
		w.due -= float64(n)
	}
}

// soak has the process that makes passes, and the expected contents of the archive.
type soak struct {
	*world
	passer *passer
	picked *oracle.Oracle // of some series
	series map[series]bool

	fed     int64 // samples
	stored  int64 // samples, by the passes' summaries
	periods []period
}

// series is a metric of an entity.
type series struct {
	entity schema.Entity
	metric schema.MetricName
}

// period has the measurements of a simulated day or hour.
type period struct {
	size   int64         // of the archive and its -wal file in the end, in bytes
	growth int64         // of size, in bytes
	heap   uint64        // bytes in use in the end
	rss    int64         // bytes
	median time.Duration // wall time of a pass
	slow   time.Duration // the 99th percentile of that
	cpu    time.Duration // of a pass, on average
	total  time.Duration // CPU since the begin
	stored int64         // samples since the begin
	wall   time.Duration
}

func newSoak(o options) (*soak, error) {
	p, err := startPasser(o)
	return &soak{world: &world{options: o, cluster: heapsim.NewCluster(o.cluster()), now: begin}, passer: p, picked: oracle.New(), series: make(map[series]bool)}, err
}

func (s *soak) close() error { return s.passer.stop() }

// run simulates all periods, prints them and judges them.
func (s *soak) run(ctx context.Context, out io.Writer) error {
	unit := "day"
	if s.batchesAPeriod() < batchesADay {
		unit = "hour"
	}
	fmt.Fprintf(out, "%d days, a batch a minute, a pass each; %d pods, of which %.0f %% are replaced an hour; seed %d; %s\n\n",
		s.Days, s.Pods, 100*churn, s.Seed, s.Path)
	fmt.Fprintf(out, "| %s | samples | archive MB | +MB | pass ms | p99 ms | CPU ms a pass | heap MB | RSS MB | wall s |\n", unit)
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|")
	began := time.Now()
	for range s.Days * batchesADay / s.batchesAPeriod() {
		if err := s.period(ctx); err != nil {
			return err
		}
		s.print(out)
	}
	fmt.Fprintf(out, "\n%d passes in %v\n", s.Days*batchesADay, time.Since(began).Round(time.Second))
	return errors.Join(s.judge(out), s.compare(ctx, out), s.count(ctx, out), s.check(ctx, out))
}

// period simulates one period.
func (s *soak) period(ctx context.Context) error {
	var p, before period
	if len(s.periods) > 0 {
		before = s.periods[len(s.periods)-1]
	}
	began := time.Now()
	took := make([]time.Duration, 0, s.batchesAPeriod())
	for range s.batchesAPeriod() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		pass := s.passer.begin(order{})
		s.advance() // meanwhile
		s.expect(s.cluster.Next(s.now))
		done, err := pass()
		if err != nil {
			return fmt.Errorf("the pass at %v: %w", s.now, err)
		}
		s.stored += int64(done.New)
		took = append(took, done.Took)
	}
	slices.Sort(took)
	p.median, p.slow = took[len(took)/2], took[len(took)*99/100]
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(s.Path + suffix); err == nil {
			p.size += info.Size()
		}
	}
	measured, err := s.passer.begin(order{Measure: true})()
	p.heap, p.rss, p.total = measured.Heap, measured.RSS, measured.CPU
	p.cpu, p.growth = (p.total-before.total)/time.Duration(len(took)), p.size-before.size
	p.wall, p.stored = time.Since(began), s.stored
	s.periods = append(s.periods, p)
	return err
}

// expect notes the samples that a pass over the batch must store.
func (s *soak) expect(b heapsim.Batch) {
	some := heapsim.Batch{At: b.At}
	for _, set := range b.Sets {
		part := heapsim.Set{Entity: set.Entity, Values: make(map[schema.MetricName]schema.Value)}
		for _, l := range set.Labelled {
			s.fed++
			if of := (series{oracle.Labelled(set.Entity, l), l.Metric}); s.picks(of) {
				part.Labelled = append(part.Labelled, l)
			}
		}
		for m, v := range set.Values {
			if k := set.Entity.Kind; k != schema.Container && k != schema.SystemContainer || oracle.IsExported(m) {
				s.fed++
				if s.picks(series{set.Entity, m}) {
					part.Values[m] = v
				}
			}
		}
		if len(part.Values)+len(part.Labelled) > 0 {
			some.Sets = append(some.Sets, part)
		}
	}
	s.picked.Feed(some, s.now, s.now)
	s.picked.Pass()
}

// picks reports whether a series is compared cell by cell, and notes it. It picks more
// series of a short soak than of a long one.
func (s *soak) picks(of series) bool {
	hash := fnv.New64a()
	fmt.Fprint(hash, s.Seed, of)
	if hash.Sum64()%uint64(10+10*s.Days) != 0 {
		return false
	}
	s.series[of] = true
	return true
}
