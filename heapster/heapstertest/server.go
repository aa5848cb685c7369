package heapstertest

import (
	"net/http"
	"sync"

	"heapstash/heapster/heapsim"
)

// remembered is the number of requests that [Server.Recent] returns at most.
const remembered = 4096

// Server is a stand-in for Heapster that records its requests and may answer some of
// them badly. All its methods may be called concurrently.
type Server struct {
	*heapsim.Server

	mu       sync.Mutex
	faults   []*scripted
	requests int
	recent   []string // the last requests, each at its number modulo the length
}

// NewServer returns a Heapster without a batch, as after its start.
func NewServer(options heapsim.Options) *Server {
	return &Server{Server: heapsim.New(options), recent: make([]string, remembered)}
}

// Requests returns the number of requests so far, including failed ones.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Recent returns the last requests, at most 4096, oldest first, such as
// "GET /api/v1/model/nodes/".
func (s *Server) Recent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var recent []string
	for i := max(0, s.requests-remembered); i < s.requests; i++ {
		recent = append(recent, s.recent[i%remembered])
	}
	return recent
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.recent[s.requests%remembered] = r.Method + " " + r.RequestURI
	s.requests++
	fault := s.nextFault(r)
	s.mu.Unlock()

	var answer http.Handler = s.Server
	if fault != nil {
		answer = fault(answer)
	}
	answer.ServeHTTP(w, r)
}
