package heapster_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"heapstash/heapster"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

// endless writes the text until the client disconnects.
func endless(w io.Writer, text string) {
	chunk := []byte(strings.Repeat(text, 1+(64<<10)/len(text)))
	for {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// An answer beyond a limit is an error that names the limit and its setting. The
// request is not repeated, and memory does not fill.
func TestLimits(t *testing.T) {
	cluster, pods := schema.ClusterEntity(), []string{"a", "b"}
	keys := func(ctx context.Context, c *heapster.Client) error { _, _, err := c.AllKeys(ctx); return err }
	names := func(ctx context.Context, c *heapster.Client) error { _, err := c.MetricNames(ctx, cluster); return err }
	points := func(ctx context.Context, c *heapster.Client) error {
		_, err := c.Series(ctx, cluster, "x", 0)
		return err
	}
	batch := func(ctx context.Context, c *heapster.Client) error {
		_, err := c.PodSeries(ctx, "d", pods, "x", 0)
		return err
	}
	health := func(ctx context.Context, c *heapster.Client) error { return c.Healthz(ctx) }
	export := func(ctx context.Context, c *heapster.Client) error {
		return c.Export(ctx, func(schema.Exported) error { return nil })
	}
	const point = `{"timestamp":"2017-09-27T07:09:00Z","value":1},`
	const exported = `{"end":"2017-09-27T07:09:00Z","value":1},`
	for name, test := range map[string]struct {
		ask              func(context.Context, *heapster.Client) error
		begin, then      string // of the answer, which repeats then without end
		message, setting string
	}{
		"blanks":           {keys, ` `, ` `, "a text in JSON of more than 64 kB", ""},
		"text":             {keys, `["`, `a`, "a text in JSON of more than 64 kB", ""},
		"escapes":          {keys, `["`, `\\\"`, "a text in JSON of more than 64 kB", ""},
		"digits":           {points, `{"metrics":[{"value":1`, `0`, "a text in JSON of more than 64 kB", ""},
		"names":            {keys, `["x"`, `,"a"`, "a list of more than 100000 elements", "limits.entities"},
		"distinct names":   {names, `["` + strings.Join(distinct(1001), `","`) + `"]`, ` `, "an entity with more than 1000 metrics", "limits.metrics"},
		"long name":        {keys, `["` + strings.Repeat("a", 4001) + `"]`, ``, "a name of 4 kB, and 4 kB are allowed", ""},
		"depth":            {points, `{"x":`, `[`, "JSON nested deeper than 100", ""},
		"depth of objects": {points, `{"x":`, `{"x":`, "JSON nested deeper than 100", ""},
		"points":           {points, `{"metrics":[`, point, "a series of more than 5000 points", ""},
		"points of a pod":  {batch, `{"items":[{"metrics":[]},{"metrics":[`, point, "a series of more than 5000 points", ""},
		"timeless points": {points, `{"metrics":[`, `{"timestamp":"0001-01-01T00:00:00Z","value":1},`,
			"a series of more than 5000 points", ""},
		"members":         {points, `{"x":1`, `,"x%d":1`, "a list of more than 100000 elements", "limits.entities"},
		"passed over":     {points, `{"x":[1`, `,1`, "a list of more than 100000 elements", "limits.entities"},
		"health":          {health, ``, `a`, "an answer of more than 16 MB", "limits.entities"},
		"exported text":   {export, `[{"labels":{"labels":"`, `a`, "a text in JSON of more than 64 kB", ""},
		"exported points": {export, `[{"metrics":{"x":[`, exported, "a series of more than 5000 points", ""},
		"exported metrics": {export, `[{"metrics":{"x":[]`, `,"x%d":[]`,
			"an entity with more than 1000 metrics", "limits.metrics"},
		"exported entities": {export, `[{"metrics":{},"labels":{"nodename":"n","container_name":"machine"}}`,
			`,{"metrics":{},"labels":{"nodename":"n","container_name":"machine"}}`, "a list of more than 100000 elements", "limits.entities"},
		"exported name": {export, `[{"metrics":{},"labels":{"pod_name":"` + strings.Repeat("a", 4001) + `"}}]`, ``,
			"a name of 4 kB", ""},
		"exported labels": {export, `[{"metrics":{"x":[{"labels":{"a":"` + strings.Repeat("a", 4001) + `"}}]}}]`, ``,
			"a name of 4 kB", ""},
	} {
		for _, zipped := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s zipped %v", name, zipped), func(t *testing.T) {
				c := heapstertest.Serve(t, heapster.Options{Timeout: 5 * time.Minute}, func(w http.ResponseWriter, _ *http.Request) {
					var to io.Writer = w
					if zipped {
						w.Header().Set("Content-Encoding", "gzip")
						z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
						defer z.Close()
						to = z
					}
					if _, err := io.WriteString(to, test.begin); err != nil || test.then == "" {
						return
					}
					if strings.Contains(test.then, "%d") {
						for n := 0; ; n++ {
							if _, err := fmt.Fprintf(to, test.then, n); err != nil {
								return
							}
						}
					}
					endless(to, test.then)
				})
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				err := test.ask(t.Context(), c)
				runtime.ReadMemStats(&after)
				checkLimit(t, err, test.message, test.setting)
				if requests, bytes := c.Traffic(); requests != 1 || bytes > 17e6 {
					t.Errorf("%d requests, %d bytes", requests, bytes)
				}
				// All allocations, including the server's.
				if used := after.TotalAlloc - before.TotalAlloc; used > 100e6 {
					t.Errorf("%d MB were allocated", used/1e6)
				}
			})
		}
	}
}

func checkLimit(t *testing.T, err error, message, setting string) {
	t.Helper()
	hint := "raise " + setting
	if setting == "" {
		hint = "is it Heapster that answers?"
	}
	heapstertest.CheckError(t, err, schema.ErrProtocol, message, hint)
	var limit *schema.LimitError
	if !errors.As(err, &limit) || limit.Setting != setting {
		t.Errorf("%v is a %T", err, err)
	}
	if !strings.Contains(err.Error(), "http://") {
		t.Errorf("%v does not name its URL", err)
	}
}

func distinct(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("x", i)
	}
	return names
}

// A zip without contents is limited by its own length.
func TestEndlessZipOfNothing(t *testing.T) {
	var empty bytes.Buffer
	if err := gzip.NewWriter(&empty).Close(); err != nil {
		t.Fatal(err)
	}
	c := heapstertest.Serve(t, heapster.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		endless(w, empty.String())
	})
	_, _, err := c.AllKeys(t.Context())
	checkLimit(t, err, "an answer of more than 16 MB", "limits.entities")
}

// A server that sends a byte at a time gets the time of one try.
func TestDrip(t *testing.T) {
	for name, begin := range map[string]string{
		"status line": "HTTP/1.1",
		"header":      "HTTP/1.1 200 OK\r\nX-Slow: ",
		"interim":     "",
		"body":        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[",
	} {
		t.Run(name, func(t *testing.T) {
			handler := func(_ int, w http.ResponseWriter, r *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				drop := " "
				if begin == "" {
					drop = "HTTP/1.1 102 Processing\r\n\r\n"
				}
				for _, err = io.WriteString(conn, begin); err == nil; _, err = io.WriteString(conn, drop) {
					time.Sleep(time.Second) // of the bubble's clock
				}
			}
			bubble(t, heapster.Options{Tries: 1, Timeout: 7500 * time.Millisecond}, handler, func(t *testing.T, c *heapster.Client) {
				began := time.Now()
				_, err := c.List(t.Context(), schema.Node, schema.ClusterEntity())
				heapstertest.CheckError(t, err, schema.ErrUnreachable, "no whole answer within 7.5s", "raise --timeout")
				if took := time.Since(began); took != 7500*time.Millisecond {
					t.Errorf("it took %v", took)
				}
				time.Sleep(2 * time.Second) // until the server has noticed
			})
		})
	}
}

func TestEndlessHeader(t *testing.T) {
	for name, header := range map[string]string{
		"fields":  "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-More: and more\r\n", 1<<17),
		"field":   "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("a", 2<<20),
		"interim": strings.Repeat("HTTP/1.1 102 Processing\r\nX-More: and more\r\n\r\n", 1<<16),
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				_, _ = io.WriteString(conn, header) // the client goes on the way
			}))
			defer server.Close()
			hc, err := heapster.DirectClient(heapster.DirectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer hc.CloseIdleConnections()
			c := heapstertest.NewClient(t, hc, server.URL, heapster.Options{})
			_, err = c.List(t.Context(), schema.Node, schema.ClusterEntity())
			heapstertest.CheckError(t, err, schema.ErrProtocol, "an answer with too long a header", "is it Heapster")
			if requests, _ := c.Traffic(); requests != 1 {
				t.Errorf("%d requests", requests)
			}
		})
	}
}

// Redirects are not followed.
func TestEndlessRedirect(t *testing.T) {
	var asked int
	c := heapstertest.Serve(t, heapster.Options{}, func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, fmt.Sprint("/", asked), http.StatusFound)
	})
	_, err := c.List(t.Context(), schema.Node, schema.ClusterEntity())
	heapstertest.CheckError(t, err, schema.ErrProtocol, "302 Found to http://", "redirects are not followed")
	if asked != 1 {
		t.Errorf("%d requests", asked)
	}
}
