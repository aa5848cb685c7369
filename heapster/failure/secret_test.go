package failure_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"heapstash/heapster"
	"heapstash/heapster/failure"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

// TestSecretIsNotCut: errors quote no part of a token, wherever the answer repeats it
// and wherever the quotation is cut.
func TestSecretIsNotCut(t *testing.T) {
	const token, part = "Zm9yYmlkZGVuLWZydWl0", 5
	var answer http.HandlerFunc
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
	defer server.Close()
	bearer := &http.Client{Transport: withToken{token}}
	c := heapstertest.NewClient(t, bearer, server.URL, heapster.Options{Tries: 1})
	text := func(status int, format string) func(string) http.HandlerFunc {
		return func(said string) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(status)
				fmt.Fprintf(w, format, said)
			}
		}
	}
	series := func(point string) func(string) http.HandlerFunc {
		return text(200, `{"metrics":[`+point+`]}`)
	}
	raw := func(format string) func(string) http.HandlerFunc {
		return func(said string) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					return
				}
				defer conn.Close()
				fmt.Fprintf(conn, format, said)
			}
		}
	}
	offsets := func(from, to int) (all []int) {
		for n := from; n <= to; n++ {
			all = append(all, n)
		}
		return all
	}
	const cut, buffer = 400, 16 << 10
	near := offsets(0, cut+10)
	for name, test := range map[string]struct {
		answer func(said string) http.HandlerFunc
		fill   string
		at     []int
	}{
		"value":       {series(`{"timestamp":"2017-09-27T12:00:00Z","value":"%s"}`), "x", near},
		"bare value":  {series(`{"timestamp":"2017-09-27T12:00:00Z","value":%s}`), "1", near},
		"floatValue":  {series(`{"timestamp":"2017-09-27T12:00:00Z","value":1,"floatValue":"%s"}`), "x", near},
		"timestamp":   {series(`{"timestamp":"%s","value":1}`), "x", near},
		"text":        {text(500, "%s"), "x", near},
		"long text":   {text(500, "%s"), " ", offsets(buffer-len(token)-5, buffer+5)},
		"status":      {text(403, `{"kind":"Status","message":"%s"}`), "x", near},
		"long status": {text(403, `{"kind":"Status","message":"%s"}`), " ", offsets(buffer-len(token)-50, buffer+5)},
		"redirect": {func(said string) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "http://u:"+token+"@example.com/"+said+strings.Repeat("/end", 20))
				w.WriteHeader(302)
			}
		}, "x", near},
		"encoding":          {raw("HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: 0\r\n\r\n"), "x", near},
		"transfer encoding": {raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n"), "x", near},
		"content length":    {raw("HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n"), "x", near},
		"no HTTP":           {raw("%s\r\n\r\n"), "x", near},
		"bad status":        {raw("HTTP/1.1 %s\r\n\r\n"), "x", near},
		"bad header":        {raw("HTTP/1.1 200 OK\r\n%s\r\n\r\n"), "x", near},
		"bad trailer":       {raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n%s\r\n\r\n"), "x", near},
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range test.at {
				answer = test.answer(strings.Repeat(test.fill, n) + token + " and more")
				_, err := c.Series(t.Context(), schema.ClusterEntity(), "cpu/limit", 0)
				if err == nil {
					t.Fatal("no error")
				}
				said := err.Error()
				for i := range len(token) - part {
					if strings.Contains(said, token[i:i+part]) {
						t.Fatalf("at %d, %q of the token is shown: ...%s", n, token[i:i+part], said[max(0, len(said)-120):])
					}
				}
			}
		})
	}
	t.Run("export", func(t *testing.T) {
		for _, n := range near {
			answer = func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, `[{"metrics":{"m":[{"start":"2017-09-27T12:00:00Z","end":"2017-09-27T12:00:00Z","value":"`+strings.Repeat("x", n)+token+`"}]},"labels":{"type":"node","nodename":"n"}}]`)
			}
			err := c.Export(t.Context(), func(schema.Exported) error { return nil })
			if err == nil {
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), token[:part]) {
				t.Fatalf("at %d: %v", n, err)
			}
		}
	})
}

// withToken sends a token with a copy of the request, like client-go's round trippers.
type withToken struct{ token string }

func (w withToken) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+w.token)
	return http.DefaultTransport.RoundTrip(req)
}

// TestWithoutUserinfo: nothing up to the last @ before the path is shown.
func TestWithoutUserinfo(t *testing.T) {
	for text, want := range map[string]string{
		`parse "https://user:p@ss@host:x": invalid`: `parse "https://[redacted]@host:x": invalid`,
		`get https://user:pass@host/a@b: refused`:   `get https://[redacted]@host/a@b: refused`,
		`http://a@b and http://c:d@e`:               `http://[redacted]@b and http://[redacted]@e`,
		`http://host/path@x mail@example`:           `http://host/path@x mail@example`,
	} {
		if got := failure.WithoutUserinfo(text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}
