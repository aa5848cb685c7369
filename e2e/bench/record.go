//go:build linux

package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
)

// requestLog has the requests of a pass, in order.
type requestLog struct {
	URLs      []string
	UserAgent string
}

// recorder is a proxy in front of Heapster that records the requests.
type recorder struct {
	server *httptest.Server
	target string

	mu   sync.Mutex
	seen requestLog
}

func record(heapster string) (*recorder, error) {
	target, err := url.Parse(heapster)
	if err != nil {
		return nil, err
	}
	r := &recorder{target: heapster}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(target) },
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: concurrency},
	}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.note(request)
		proxy.ServeHTTP(w, request)
	}))
	return r, nil
}

func (r *recorder) note(request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen.URLs = append(r.seen.URLs, r.target+request.RequestURI)
	r.seen.UserAgent = request.UserAgent()
}

func (r *recorder) requests() requestLog {
	r.mu.Lock()
	defer r.mu.Unlock()
	return requestLog{slices.Clone(r.seen.URLs), r.seen.UserAgent}
}

func (r *recorder) url() string { return r.server.URL }
func (r *recorder) close()      { r.server.Close() }
