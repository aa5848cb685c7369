// Package demo archives and shows a made-up cluster. It makes up the cluster's story,
// writes its past straight into an archive, and feeds its present to a stand-in for
// Heapster. The same beginning gives the same story, so that a later demo can continue
// an archive.
package demo

import (
	"fmt"
	"slices"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

const (
	// Cluster is the name of the made-up cluster.
	Cluster = "demo"
	// Step is the time between two batches.
	Step = time.Minute

	seed = 7
)

// Story is a cluster over time. Use it from one goroutine.
type Story struct {
	begin   schema.Instant
	next    schema.Instant // the first moment that is not told yet
	cluster *heapsim.Cluster
	latest  heapsim.Batch
	shaken  []schema.Instant // when [Story.Shake] happened, in order
}

// Beginning returns the begin of the story for a new archive: so many midnights, UTC,
// ago. On Mondays it is one more, so that two weeks can be compared.
func Beginning(now time.Time, days int) schema.Instant {
	midnight := now.UTC().Truncate(day)
	if midnight.Weekday() == time.Monday && days > 1 {
		days++
	}
	return schema.InstantOf(midnight.Add(-time.Duration(days) * day))
}

// NewStory begins a story at a midnight, UTC. shaken are the moments, in order, of
// earlier calls of [Story.Shake].
func NewStory(begin schema.Instant, shaken []schema.Instant) *Story {
	return &Story{begin: begin, next: begin, cluster: newCluster(begin.Time()), shaken: shaken}
}

// event happens once, so long after the beginning.
type event struct {
	after time.Duration
	do    func(*heapsim.Cluster)
}

// Ages of the story.
const (
	hour = time.Hour
	day  = 24 * hour
)

var web0 = schema.PodEntity("shop", "web-0")

// events returns the events of the story, in order.
func events() []event {
	crash := func(c *heapsim.Cluster) { c.Crash(schema.PodEntity("search", "index-0")) }
	return []event{
		{2*day + 10*hour, func(c *heapsim.Cluster) { c.Rollout("shop", "api") }},
		{4*day + 3*hour, func(c *heapsim.Cluster) { c.Rollout("search", "api") }},
		{recreation, func(c *heapsim.Cluster) { c.Recreate(web0) }},
		{5*day + 21*hour, crash},
		{6*day + 2*hour, crash},
		{7*day + 4*hour, crash},
	}
}

// recreation is when web-0 is made again by itself.
const recreation = 4*day + 15*hour + 20*time.Minute

// outage returns the time without samples, both ends included.
func (s *Story) outage() schema.Window {
	from := s.begin.Add(3*day + 13*hour + 7*time.Minute)
	return schema.Window{From: from, To: from.Add(28 * time.Minute)}
}

// happen applies the events that are due at a moment.
func (s *Story) happen(at schema.Instant) {
	for _, e := range events() {
		if due := s.begin.Add(e.after); s.next <= due && due <= at {
			e.do(s.cluster)
		}
	}
	for _, due := range s.shaken {
		if s.next <= due && due <= at {
			shake(s.cluster)
		}
	}
	s.next = at.Add(time.Second)
}

// Next returns the batch of a moment after the last one.
func (s *Story) Next(at schema.Instant) heapsim.Batch {
	s.happen(at)
	s.latest = s.cluster.Next(at.Time())
	return s.latest
}

// Skip continues to a moment, so that the next batch is the same as after calls of
// [Story.Next].
func (s *Story) Skip(to schema.Instant) {
	for at := s.begin; at <= to; at = at.Add(Step) {
		if at >= s.next {
			s.happen(at)
			s.cluster.Skip(at.Time())
		}
	}
}

// Shake ends a pod, begins another one, and makes web-0 again, before the next batch. It
// returns a sentence about that.
func (s *Story) Shake() string {
	killed, added := shake(s.cluster)
	return fmt.Sprintf("%s ended, %s began, and %s was recreated", killed, added, web0.Pod)
}

func shake(c *heapsim.Cluster) (killed, added string) {
	gone, come := c.Churn(1)
	c.Recreate(web0)
	return gone[0].Pod, come[0].Pod
}

// shakes returns the moments at which [Story.Shake] made web-0 again, from the moments at
// which web-0 was first seen with a new uid.
func shakes(begin schema.Instant, seen []schema.Instant) []schema.Instant {
	slices.Sort(seen)
	return slices.DeleteFunc(seen, func(at schema.Instant) bool { return at == begin || at == begin.Add(recreation) })
}

// Size says how large the cluster is.
func (s *Story) Size() string {
	return fmt.Sprintf("%d nodes, %d namespaces, %d pods", nodes, len(teams()), len(s.cluster.Pods()))
}
