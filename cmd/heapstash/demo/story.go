// Package demo makes up a small cluster and what becomes of it, and writes the
// past of that straight into an archive. The same beginning gives the same
// story, so one that was interrupted can be gone on with.
package demo

import (
	"fmt"
	"slices"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

const (
	// Cluster is what the archive calls the made-up cluster.
	Cluster = "demo"
	// Step is the time between two batches.
	Step = time.Minute

	seed = 7
)

// Story is a cluster in the course of time. Use it from one goroutine.
type Story struct {
	begin   schema.Instant
	next    schema.Instant // the first moment that was not told
	cluster *heapsim.Cluster
	latest  heapsim.Batch
	shaken  []schema.Instant // when [Story.Shake] happened, in order
}

// Beginning is when the story of an archive begins that is made now: so many
// midnights, UTC, ago. On Mondays it is one more, for two weeks to be compared.
func Beginning(now time.Time, days int) schema.Instant {
	midnight := now.UTC().Truncate(day)
	if midnight.Weekday() == time.Monday && days > 1 {
		days++
	}
	return schema.InstantOf(midnight.Add(-time.Duration(days) * day))
}

// NewStory begins a story at a midnight, UTC. Shaken are the moments, in order,
// at which [Story.Shake] happened when it was told before.
func NewStory(begin schema.Instant, shaken []schema.Instant) *Story {
	return &Story{begin: begin, next: begin, cluster: newCluster(begin.Time()), shaken: shaken}
}

// event is something that happens once, so long after the beginning.
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

// events are what happens of itself, in order.
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

// recreation is when web-0 is made anew of itself.
const recreation = 4*day + 15*hour + 20*time.Minute

// outage is a time of which nothing was archived, both ends included.
func (s *Story) outage() schema.Window {
	from := s.begin.Add(3*day + 13*hour + 7*time.Minute)
	return schema.Window{From: from, To: from.Add(28 * time.Minute)}
}

// happen lets what is due at a moment happen to the cluster.
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

// Next returns the batch of a moment, which comes after all that were told.
func (s *Story) Next(at schema.Instant) heapsim.Batch {
	s.happen(at)
	s.latest = s.cluster.Next(at.Time())
	return s.latest
}

// Skip goes on to a moment, batch by batch, so that the next one is the one
// that [Story.Next] would have returned.
func (s *Story) Skip(to schema.Instant) {
	for at := s.begin; at <= to; at = at.Add(Step) {
		if at >= s.next {
			s.happen(at)
			s.cluster.Skip(at.Time())
		}
	}
}

// Shake has a pod end and another one begin, and web-0 made anew, before the
// next batch. It says so.
func (s *Story) Shake() string {
	killed, added := shake(s.cluster)
	return fmt.Sprintf("%s ended, %s began, and %s was recreated", killed, added, web0.Pod)
}

func shake(c *heapsim.Cluster) (killed, added string) {
	gone, come := c.Churn(1)
	c.Recreate(web0)
	return gone[0].Pod, come[0].Pod
}

// shakes are the moments at which web-0 was recreated by [Story.Shake], of those
// at which an incarnation of it was first seen.
func shakes(begin schema.Instant, seen []schema.Instant) []schema.Instant {
	slices.Sort(seen)
	return slices.DeleteFunc(seen, func(at schema.Instant) bool { return at == begin || at == begin.Add(recreation) })
}

// Size spells the size of the cluster for people.
func (s *Story) Size() string {
	return fmt.Sprintf("%d nodes, %d namespaces, %d pods", nodes, len(teams()), len(s.cluster.Pods()))
}
