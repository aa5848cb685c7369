// Package heapsim is a stand-in for Heapster: a server that answers the model
// API as the handlers and the sink of Heapster v1.5.4 do, with every oddity
// that a client has to live with, and a generator of plausible clusters to
// feed it with.
//
// A test feeds it batches at a clock of its own and may script faults. The
// differential test under e2e holds it to the real handlers.
//
// It leaves out metric-export-schema, pprof, the deflate encoding and the
// Prometheus page.
package heapsim

import (
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"heapstash/heapster/wire"
	"heapstash/schema"
)

// remembered is the number of requests that [Server.Recent] returns at most.
const remembered = 4096

// Options tell how a [Server] differs from the usual Heapster.
type Options struct {
	// Now is Heapster's clock; nil is time.Now. It is read at each Feed, to
	// evict, and at each request, whose end it is by default.
	Now func() time.Time
	// ShortRetention and LongRetention replace Heapster's where not zero.
	ShortRetention, LongRetention time.Duration
	// Seed makes the random order of lists repeatable, as long as requests
	// come one after the other.
	Seed uint64
	// NoContainersList: pods have no containers/ list, as before v1.3.
	NoContainersList bool
	// NoAllKeys: there is no debug/allkeys.
	NoAllKeys bool
	// ExportDisabled: metric-export is an empty list (--disable_export).
	ExportDisabled bool
}

// Server is a stand-in for Heapster. All its methods may be called
// concurrently.
type Server struct {
	options Options

	mu       sync.Mutex
	rand     *rand.Rand
	store    store
	faults   []*scripted
	requests int
	recent   []string // a ring of the last requests, by number
}

// New returns a Heapster that has just started: it has no batch yet.
func New(options Options) *Server {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.ShortRetention == 0 {
		options.ShortRetention = schema.ShortRetention
	}
	if options.LongRetention == 0 {
		options.LongRetention = schema.LongRetention
	}
	return &Server{
		options: options,
		rand:    rand.New(rand.NewPCG(options.Seed, 0)),
		recent:  make([]string, remembered),
	}
}

// Feed gives the server its next batch, which the caller must not change any
// more. What is older than its retention now is evicted first, and only here:
// between two feeds nothing ages.
func (s *Server) Feed(batch Batch) {
	b := newShelf(batch)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	s.store = s.store.with(b, now.Add(-s.options.ShortRetention), now.Add(-s.options.LongRetention))
}

// Restart empties the server, as a restart of Heapster's does.
func (s *Server) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store = store{}
}

// Requests returns the number of requests so far, failed ones included.
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

	var answer http.Handler = http.HandlerFunc(s.serveTruly)
	if fault != nil {
		answer = fault(answer)
	}
	answer.ServeHTTP(w, r)
}

// serveTruly answers as Heapster does.
func (s *Server) serveTruly(w http.ResponseWriter, r *http.Request) {
	if clean := cleanPath(r.URL.Path); clean != r.URL.Path {
		// Go's ServeMux did this, and so a leading slash in a name is lost.
		moved := url.URL{Path: clean, RawQuery: r.URL.RawQuery}
		http.Redirect(w, r, moved.String(), http.StatusMovedPermanently)
		return
	}
	if r.URL.Path == wire.Health {
		s.serveHealth(w)
		return
	}
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		compressor := compressors.Get().(*gzip.Writer)
		compressor.Reset(w)
		defer func() {
			compressor.Close()
			compressors.Put(compressor)
		}()
		w = compressedWriter{w, compressor}
	}
	if !wire.IsOurs(r.URL.Path) {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	asked, ok := wire.ParsePath(r.URL.Path)
	switch {
	case !ok || s.lacks(asked):
		writeText(w, http.StatusNotFound, "404: Page Not Found")
	case r.Method != http.MethodGet:
		writeText(w, http.StatusMethodNotAllowed, "405: Method Not Allowed")
	case !acceptsJSON(r.Header.Get("Accept")):
		writeText(w, http.StatusNotAcceptable, "406: Not Acceptable")
	default:
		s.serve(w, r, asked)
	}
}

// lacks reports whether this version of Heapster has no such page.
func (s *Server) lacks(asked wire.Route) bool {
	return s.options.NoContainersList && asked.Page == wire.ListPage && asked.List == schema.Container ||
		s.options.NoAllKeys && asked.Page == wire.KeysPage
}

// serveHealth answers /healthz, in the words of metrics/heapster.go and of
// the apiserver library of its time.
func (s *Server) serveHealth(w http.ResponseWriter) {
	s.mu.Lock()
	latest, now := s.store.latest(), s.options.Now()
	s.mu.Unlock()

	var fault string
	switch {
	case latest == nil:
		fault = "could not get the latest data batch"
	case now.Sub(latest.at) > schema.StaleAge:
		fault = fmt.Sprintf("No current data batch available (latest: %s).", latest.at)
	case len(latest.sets) == 0:
		fault = fmt.Sprintf("Not enough metrics found in the latest data batch: 0 (expected min. 1) %s", latest.at)
	default:
		fmt.Fprint(w, "ok")
		return
	}
	http.Error(w, fmt.Sprintf("[-]healthz failed: %s\nhealthz check failed", fault), http.StatusInternalServerError)
}

// cleanPath is [path.Clean], but keeps one trailing slash.
func cleanPath(p string) string {
	clean := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

// acceptsJSON reads an Accept header as Heapster's router does: without
// quality, and with */* as the only wildcard.
func acceptsJSON(accept string) bool {
	if accept == "" {
		return true
	}
	for mediaType := range strings.SplitSeq(accept, ",") {
		mediaType, _, _ = strings.Cut(mediaType, ";")
		if mediaType = strings.Trim(mediaType, " "); mediaType == "*/*" || mediaType == "application/json" {
			return true
		}
	}
	return false
}

// compressors are kept, for each takes almost a megabyte, and most answers a few
// hundred bytes. Their level is the one of go-restful, which answers in Heapster.
var compressors = sync.Pool{New: func() any {
	compressor, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // there is that level
	}
	return compressor
}}

// compressedWriter sends the body through a compressor.
type compressedWriter struct {
	http.ResponseWriter
	body *gzip.Writer
}

func (w compressedWriter) Write(p []byte) (int, error) { return w.body.Write(p) }

func writeText(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}
