package main

import (
	"bytes"
	"io"
	"net/http"
)

// direct is a transport without a network: it has a handler answer.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	plain := *r // compression would be most of what is measured
	plain.Header = r.Header.Clone()
	plain.Header.Del("Accept-Encoding")
	plain.RequestURI = r.URL.RequestURI()
	a := &answer{header: make(http.Header), status: http.StatusOK}
	d.handler.ServeHTTP(a, &plain)
	return &http.Response{
		Status: http.StatusText(a.status), StatusCode: a.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(&a.body), ContentLength: int64(a.body.Len()), Request: r,
	}, nil
}

// answer is an [http.ResponseWriter].
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
