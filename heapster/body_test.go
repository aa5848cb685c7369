package heapster_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"heapstash/heapster"
	"heapstash/heapster/failure"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A proxy may replace the body of an answer and keep its header.
func TestStatusComesBeforeEncoding(t *testing.T) {
	for name, test := range map[string]struct {
		code           int
		encoding, body string
		sentinel       error
		message        string
	}{
		"401, no body":       {401, "gzip", "", schema.ErrRefused, "401 Unauthorized"},
		"404, no body":       {404, "gzip", "", schema.ErrNotFound, "404 Not Found"},
		"503, no body":       {503, "x-gzip", "", schema.ErrUnreachable, "503 Service Unavailable"},
		"404, zipped":        {404, "gzip", zipped(t, "404: Page Not Found"), schema.ErrNotFound, "404: Page Not Found"},
		"403, zipped Status": {403, "GZIP", zipped(t, `{"kind":"Status","reason":"Forbidden","message":"no"}`), schema.ErrRefused, "the apiserver answered 403 Forbidden: no"},
		"404, cut zip":       {404, "gzip", "\x1f\x8b\x08", schema.ErrNotFound, "404 Not Found"},
		"404, plain":         {404, "gzip", "404: Page Not Found", schema.ErrNotFound, "404: Page Not Found"},
		"502, other packing": {502, "br", "\x00\x01", schema.ErrUnreachable, "502 Bad Gateway"},
		"403, deflate":       {403, "deflate", "\x78\x9c", schema.ErrRefused, "403 Forbidden"},
		"403, identity":      {403, "identity", "no", schema.ErrRefused, "403 Forbidden: no"},
		"302, no body":       {302, "gzip", "", schema.ErrProtocol, "302 Found"},
		"204":                {204, "gzip", "", schema.ErrProtocol, "204 No Content"},
	} {
		t.Run(name, func(t *testing.T) {
			c := heapstertest.Serve(t, heapster.Options{Tries: 1}, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Encoding", test.encoding)
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(test.code)
				io.WriteString(w, test.body)
			})
			_, err := c.List(t.Context(), schema.Node, schema.ClusterEntity())
			var answered *failure.StatusError
			if !errors.As(err, &answered) || answered.Code != test.code {
				t.Fatalf("got %v", err)
			}
			if !errors.Is(err, test.sentinel) || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v, want %q", err, test.message)
			}
		})
	}
}

func TestSpellingsOfGzip(t *testing.T) {
	for _, encoding := range [][]string{{"gzip"}, {"GZIP"}, {"x-gzip"}, {"X-Gzip"}, {" gzip "}, {"identity, gzip"}, {"", "gzip"}} {
		c := heapstertest.Serve(t, heapster.Options{Tries: 1}, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Encoding"] = encoding
			io.WriteString(w, zipped(t, `["n1"]`))
		})
		if got, err := c.List(t.Context(), schema.Node, schema.ClusterEntity()); err != nil || !slices.Equal(got, []string{"n1"}) {
			t.Errorf("%q: %v, %v", encoding, got, err)
		}
	}
	for _, encoding := range []string{"identity", "IDENTITY", ""} {
		c := heapstertest.Serve(t, heapster.Options{Tries: 1}, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Encoding"] = []string{encoding}
			io.WriteString(w, `["n1"]`)
		})
		if got, err := c.List(t.Context(), schema.Node, schema.ClusterEntity()); err != nil || !slices.Equal(got, []string{"n1"}) {
			t.Errorf("%q: %v, %v", encoding, got, err)
		}
	}
}
