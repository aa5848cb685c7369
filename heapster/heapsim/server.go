// Package heapsim is a stand-in for Heapster: a [Server] that answers like the
// handlers and the sink of Heapster v1.5.4, with all their oddities, and a [Cluster]
// that generates plausible batches for it.
//
// Its user feeds the server batches, and sets its clock. The differential test under
// e2e compares it with the real handlers.
//
// It has no metric-export-schema, pprof, deflate encoding and Prometheus page.
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

// Options set the differences of a [Server] from the usual Heapster.
type Options struct {
	// Now is Heapster's clock. Feed reads it to evict, and each request, as the
	// default of its end. Default time.Now.
	Now func() time.Time
	// ShortRetention and LongRetention have Heapster's times as defaults.
	ShortRetention, LongRetention time.Duration
	// Seed makes the random order of lists repeatable, if requests come one
	// after the other.
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

	mu    sync.Mutex
	rand  *rand.Rand
	store store
}

// New returns a Heapster without a batch, as after its start.
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
	return &Server{options: options, rand: rand.New(rand.NewPCG(options.Seed, 0))}
}

// Feed gives the server its next batch. The caller must not change the batch after
// that. Only Feed evicts batches that are older than their retention.
func (s *Server) Feed(batch Batch) {
	b := newIndexedBatch(batch)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	s.store = s.store.with(b, now.Add(-s.options.ShortRetention), now.Add(-s.options.LongRetention))
}

// Restart empties the server, like a restart of Heapster.
func (s *Server) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store = store{}
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if clean := cleanPath(r.URL.Path); clean != r.URL.Path {
		// Go's ServeMux does this in Heapster, so that a leading slash in a name
		// is lost.
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
	if !wire.HasRoot(r.URL.Path) {
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

// lacks reports whether this version of Heapster does not have the page.
func (s *Server) lacks(asked wire.Route) bool {
	return s.options.NoContainersList && asked.Page == wire.ListPage && asked.List == schema.Container ||
		s.options.NoAllKeys && asked.Page == wire.KeysPage
}

// serveHealth answers /healthz with the texts of metrics/heapster.go and of the
// apiserver library of its time.
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

// cleanPath is [path.Clean] that keeps one slash at the end.
func cleanPath(p string) string {
	clean := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

// acceptsJSON reads an Accept header like Heapster's router: it ignores qualities, and
// */* is the only wildcard.
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

// compressors are reused, because each takes almost a megabyte, and most answers only
// a few hundred bytes. Their level is go-restful's, as in Heapster.
var compressors = sync.Pool{New: func() any {
	compressor, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level exists
	}
	return compressor
}}

// compressedWriter compresses the body.
type compressedWriter struct {
	http.ResponseWriter
	body *gzip.Writer
}

func (w compressedWriter) Write(p []byte) (int, error) { return w.body.Write(p) }

func writeText(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}
