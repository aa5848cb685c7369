package rig

import (
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/heapster/heapstertest"
)

// StandIn is a stand-in for Heapster with a generated cluster. Heapster's clock
// stands at the newest batch, unless its options have another one.
type StandIn struct {
	*heapstertest.Server
	Cluster *heapsim.Cluster
	URL     string // of the API, if the stand-in was started

	clock atomic.Int64 // Unix seconds
}

// NewStandIn returns a stand-in without a batch, which listens nowhere.
func NewStandIn(o heapsim.Options, cluster heapsim.ClusterOptions) *StandIn {
	s := &StandIn{Cluster: heapsim.NewCluster(cluster)}
	if o.Now == nil {
		o.Now = func() time.Time { return time.Unix(s.clock.Load(), 0).UTC() }
	}
	s.Server = heapstertest.NewServer(o)
	return s
}

// StartStandIn starts a stand-in without a batch on loopback. It ends with the
// test.
func StartStandIn(tb testing.TB, o heapsim.Options, cluster heapsim.ClusterOptions) *StandIn {
	s := NewStandIn(o, cluster)
	server := httptest.NewServer(s)
	tb.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Scrape moves the clock to a moment, feeds the cluster's batch of that moment
// and returns it.
func (s *StandIn) Scrape(at time.Time) heapsim.Batch {
	s.clock.Store(at.Unix())
	batch := s.Cluster.Next(at)
	s.Feed(batch)
	return batch
}
