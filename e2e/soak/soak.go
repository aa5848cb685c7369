package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"heapstash/e2e/oracle"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

type options struct {
	length, pods int  // the length in days
	filesystems  bool // of pods and containers, of which every fourth sample is
	seed         uint64
	path         string // of the archive
}

const (
	batchesADay = 24 * 60
	churn       = 0.05 // of the pods, an hour
)

// A month is judged by its days, and a day or two by their hours.
func (o options) batchesAPeriod() int {
	if o.length < 6 {
		return 60
	}
	return batchesADay
}

// soak is a Heapster with its clock, a process that makes passes, and what the
// archive must hold.
type soak struct {
	options
	now     time.Time
	clock   atomic.Int64 // the same, for whoever asks Heapster; Unix seconds
	cluster *heapsim.Cluster
	next    batch // which Heapster has not yet
	sim     *heapsim.Server
	server  *httptest.Server
	passer  *passer
	picked  *oracle.Oracle // of some of the series
	series  map[series]bool

	due     float64 // pods that are to be replaced
	fed     int64   // samples
	stored  int64   // samples, as the passes say
	periods []period
}

// series is what one sample after the other belongs to.
type series struct {
	entity schema.Entity
	metric schema.MetricName
}

// period is what was measured in a simulated day, or hour.
type period struct {
	size   int64         // of the archive at its end, with its log
	growth int64         // of that
	heap   uint64        // bytes in use at its end
	rss    int64         // bytes
	median time.Duration // of a pass, by the wall
	slow   time.Duration // of a hundred passes, one takes longer
	cpu    time.Duration // a pass
	total  time.Duration // CPU so far
	stored int64         // samples so far
	wall   time.Duration
}

func newSoak(o options) (*soak, error) {
	s := &soak{options: o, now: time.Date(2017, 9, 1, 0, 0, 0, 0, time.UTC), picked: oracle.New(), series: make(map[series]bool)}
	s.cluster = heapsim.NewCluster(heapsim.ClusterOptions{Seed: o.seed, Nodes: 1, Namespaces: 2, Pods: o.pods, Containers: 1, NoFilesystems: !o.filesystems})
	s.next = s.generate()
	s.sim = heapsim.New(heapsim.Options{Now: func() time.Time { return time.Unix(s.clock.Load(), 0).UTC() }, Seed: o.seed})
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Accept-Encoding") // compression would be much of what a month takes
		s.sim.ServeHTTP(w, r)
	}))
	var err error
	if s.passer, err = startPasser(); err != nil {
		s.server.Close()
	}
	return s, err
}

func (s *soak) close() error {
	err := s.passer.stop()
	s.server.Close()
	return err
}

// run soaks, prints what it measures, and judges it.
func (s *soak) run(ctx context.Context, out io.Writer) error {
	unit := "day"
	if s.batchesAPeriod() < batchesADay {
		unit = "hour"
	}
	fmt.Fprintf(out, "%d days, a batch a minute, a pass each; %d pods, of which %.0f %% are replaced an hour; seed %d; %s\n\n",
		s.length, s.pods, 100*churn, s.seed, s.path)
	fmt.Fprintf(out, "| %s | samples | archive MB | +MB | pass ms | p99 ms | CPU ms a pass | heap MB | RSS MB | wall s |\n", unit)
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|")
	began := time.Now()
	for range s.length * batchesADay / s.batchesAPeriod() {
		if err := s.period(ctx); err != nil {
			return err
		}
		s.print(out)
	}
	fmt.Fprintf(out, "\n%d passes in %v\n", s.length*batchesADay, time.Since(began).Round(time.Second))
	return errors.Join(s.judge(out), s.compare(ctx, out), s.count(ctx, out), s.check(ctx, out))
}

// period simulates one.
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
		s.feed()
		done, err := s.pass()
		if err != nil {
			return fmt.Errorf("the pass at %v: %w", s.now, err)
		}
		s.stored += int64(done.New)
		took = append(took, done.Took)
	}
	slices.Sort(took)
	p.median, p.slow = took[len(took)/2], took[len(took)*99/100]
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(s.path + suffix); err == nil {
			p.size += info.Size()
		}
	}
	measured, err := s.passer.tell(order{Measure: true})
	p.heap, p.rss, p.total = measured.Heap, measured.RSS, measured.CPU
	p.cpu, p.growth = (p.total-before.total)/time.Duration(len(took)), p.size-before.size
	p.wall, p.stored = time.Since(began), s.stored
	s.periods = append(s.periods, p)
	return err
}

// pass has one made, and meanwhile makes the batch after it.
func (s *soak) pass() (passed, error) {
	s.picked.Pass()
	next := make(chan batch)
	go func() { next <- s.generate() }()
	done, err := s.passer.tell(order{URL: s.server.URL, Path: s.path, Now: s.now})
	s.next = <-next
	return done, err
}

// batch is one of Heapster's, with the part of it that is compared cell by cell.
type batch struct {
	whole, picked heapsim.Batch
	samples       int64 // that a pass is to store
}

// generate makes the batch of a minute after the last one.
func (s *soak) generate() batch {
	s.due += float64(s.pods) * churn / 60
	if n := int(s.due); n > 0 {
		s.cluster.Churn(n)
		s.due -= float64(n)
	}
	b := batch{whole: s.cluster.Next(s.now.Add(time.Minute))}
	b.picked.At = b.whole.At
	for _, set := range b.whole.Sets {
		part := heapsim.Set{Entity: set.Entity, Values: make(map[schema.MetricName]schema.Value)}
		for _, l := range set.Labelled {
			b.samples++
			if of := (series{oracle.Labelled(set.Entity, l), l.Metric}); s.picks(of) {
				part.Labelled = append(part.Labelled, l)
			}
		}
		for m, v := range set.Values {
			if k := set.Entity.Kind; k != schema.Container && k != schema.SystemContainer || oracle.IsExported(m) {
				b.samples++
				if s.picks(series{set.Entity, m}) {
					part.Values[m] = v
				}
			}
		}
		if len(part.Values)+len(part.Labelled) > 0 {
			b.picked.Sets = append(b.picked.Sets, part)
		}
	}
	return b
}

// feed gives Heapster the next batch.
func (s *soak) feed() {
	s.now = s.next.whole.At
	s.clock.Store(s.now.Unix())
	s.sim.Feed(s.next.whole)
	s.picked.Feed(s.next.picked, s.now, s.now)
	s.fed += s.next.samples
}

// picks reports whether the series is one that is compared cell by cell, and
// notes it: one of some hundred, the more the shorter the soak is.
func (s *soak) picks(of series) bool {
	hash := fnv.New64a()
	fmt.Fprint(hash, s.seed, of)
	if hash.Sum64()%uint64(10+10*s.length) != 0 {
		return false
	}
	s.series[of] = true
	return true
}
