package heapstertest

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"regexp"
)

// Fault turns the handler that answers truly into one that answers badly.
type Fault func(truly http.Handler) http.Handler

// scripted is an injected fault.
type scripted struct {
	path  *regexp.Regexp
	times int // left; negative: without end
	fault Fault
}

// Inject gives the next requests whose decoded path matches the regular expression
// the fault: times requests, or all if times is 0. If several faults match,
// the one injected first comes first. Inject panics if the expression does not
// parse.
func (s *Server) Inject(path string, times int, fault Fault) {
	if times == 0 {
		times = -1
	}
	expression := regexp.MustCompile(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &scripted{expression, times, fault})
}

// Heal removes all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// nextFault returns the fault for the request, nil for none. The caller holds the
// lock.
func (s *Server) nextFault(r *http.Request) Fault {
	for _, f := range s.faults {
		if f.times != 0 && f.path.MatchString(r.URL.Path) {
			f.times--
			return f.fault
		}
	}
	return nil
}

// Answer gives an answer that is not Heapster's, such as a proxy's, an apiserver's or
// a log-in page. The header may be nil.
func Answer(status int, header http.Header, body string) Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			maps.Copy(w.Header(), header)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
}

// Truncate ends the body after n bytes. Otherwise the answer is whole: the body is
// not compressed, and its Content-Length is n.
func Truncate(n int) Fault {
	return func(truly http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			recordUncompressed(truly, r).writeFirst(n, w)
		})
	}
}

// Cut breaks the connection: before the answer if n is 0, else after n bytes of its
// uncompressed body. Go's client repeats a request once by itself if a connection
// that it used before breaks without an answer.
func Cut(n int) Fault {
	return func(truly http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n > 0 {
				recordUncompressed(truly, r).writeFirst(n, w)
				_ = http.NewResponseController(w).Flush()
			}
			panic(http.ErrAbortHandler) // net/http then breaks the connection
		})
	}
}

// Hold answers truly after the channel is closed, and breaks the connection if the
// client gives up before. A nil channel holds for ever.
func Hold(release <-chan struct{}) Fault {
	return func(truly http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
				truly.ServeHTTP(w, r)
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			}
		})
	}
}

// recorder keeps an answer. It is an [http.ResponseWriter].
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func recordUncompressed(truly http.Handler, r *http.Request) *recorder {
	plain := r.Clone(r.Context())
	plain.Header.Del("Accept-Encoding")
	answer := &recorder{header: make(http.Header), status: http.StatusOK}
	truly.ServeHTTP(answer, plain)
	return answer
}

func (a *recorder) Header() http.Header         { return a.header }
func (a *recorder) WriteHeader(status int)      { a.status = status }
func (a *recorder) Write(p []byte) (int, error) { return a.body.Write(p) }

// writeFirst writes the answer with the first n bytes of its body.
func (a *recorder) writeFirst(n int, w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Next(n))
}
