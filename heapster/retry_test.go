package heapster_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"heapstash/heapster"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

// pipes is a network inside a synctest bubble, where waits take no time.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	conn, open := <-p
	if !open {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p <- there
	return here, nil
}

// bubble runs test with a client of a server that answers with handler. The first
// request is number 0.
func bubble(t *testing.T, opts heapster.Options, handler func(n int, w http.ResponseWriter, r *http.Request),
	test func(t *testing.T, c *heapster.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := make(pipes)
		n := -1
		server := &http.Server{ErrorLog: heapstertest.Quiet(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n++
			handler(n, w, r)
		})}
		go server.Serve(network)
		defer server.Close()
		defer close(network)
		transport := &http.Transport{DialContext: network.dial}
		defer transport.CloseIdleConnections()
		test(t, heapstertest.NewClient(t, &http.Client{Transport: transport}, "http://heapster", opts))
	})
}

func refuse(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code) }
}

func TestRetries(t *testing.T) {
	cut := func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "99")
		io.WriteString(w, `["a`)
	}
	abort := func(http.ResponseWriter) { panic(http.ErrAbortHandler) }
	for name, test := range map[string]struct {
		fail  func(http.ResponseWriter)
		again bool
	}{
		"429":  {refuse(429), true},
		"500":  {refuse(500), true},
		"502":  {refuse(502), true},
		"503":  {refuse(503), true},
		"504":  {refuse(504), true},
		"cut":  {cut, true},
		"json": {func(w http.ResponseWriter) { io.WriteString(w, `["a`) }, true},
		"hung": {abort, true},

		"400":   {refuse(400), false},
		"401":   {refuse(401), false},
		"403":   {refuse(403), false},
		"404":   {refuse(404), false},
		"501":   {refuse(501), false},
		"html":  {func(w http.ResponseWriter) { io.WriteString(w, "<html>") }, false},
		"other": {func(w http.ResponseWriter) { io.WriteString(w, "{}") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			recover := func(n int, w http.ResponseWriter, _ *http.Request) {
				if n < 2 {
					test.fail(w)
				} else {
					io.WriteString(w, `["a"]`)
				}
			}
			bubble(t, heapster.Options{}, recover, func(t *testing.T, c *heapster.Client) {
				names, err := c.List(t.Context(), schema.Node, schema.ClusterEntity())
				requests, _ := c.Traffic()
				if test.again && (err != nil || len(names) != 1 || requests != 3) {
					t.Errorf("got %q, %v in %d requests", names, err, requests)
				}
				if !test.again && (err == nil || requests != 1) {
					t.Errorf("got %v in %d requests", err, requests)
				}
			})
			for _, tries := range []int{1, 3, 5} {
				never := func(_ int, w http.ResponseWriter, _ *http.Request) { test.fail(w) }
				bubble(t, heapster.Options{Tries: tries}, never, func(t *testing.T, c *heapster.Client) {
					_, err := c.List(t.Context(), schema.Node, schema.ClusterEntity())
					want := 1
					if test.again {
						want = tries
					}
					if requests, _ := c.Traffic(); err == nil || int(requests) != want {
						t.Errorf("%d requests, error %v; want %d", requests, err, want)
					}
					if _, typed := err.(interface{ Hint() string }); !typed {
						t.Errorf("got a %T", err)
					}
				})
			}
		})
	}
}

func TestWaits(t *testing.T) {
	date := func(seconds int) string {
		return time.Now().Add(time.Duration(seconds) * time.Second).UTC().Format(http.TimeFormat)
	}
	for name, test := range map[string]struct {
		header            func() string
		shortest, longest time.Duration
	}{
		"of its own": {func() string { return "" }, 300 * time.Millisecond, 900 * time.Millisecond},
		"nonsense":   {func() string { return "soon" }, 300 * time.Millisecond, 900 * time.Millisecond},
		"negative":   {func() string { return "-5" }, 300 * time.Millisecond, 900 * time.Millisecond},
		"past":       {func() string { return date(-100) }, 300 * time.Millisecond, 900 * time.Millisecond},
		"seconds":    {func() string { return "7" }, 14 * time.Second, 14 * time.Second},
		"date":       {func() string { return date(7) }, 12 * time.Second, 14 * time.Second},
		"too long":   {func() string { return strconv.Itoa(1 << 30) }, time.Minute, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			busy := func(n int, w http.ResponseWriter, _ *http.Request) {
				if n < 2 {
					w.Header().Set("Retry-After", test.header())
					w.WriteHeader(http.StatusServiceUnavailable)
				} else {
					io.WriteString(w, "[]")
				}
			}
			bubble(t, heapster.Options{}, busy, func(t *testing.T, c *heapster.Client) {
				start := time.Now()
				if _, err := c.List(t.Context(), schema.Node, schema.ClusterEntity()); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took < test.shortest || took > test.longest {
					t.Errorf("waited %s; want %s to %s", took, test.shortest, test.longest)
				}
			})
		})
	}
}

func TestTimeoutIsOfOneAttempt(t *testing.T) {
	slow := func(n int, w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `["a",`)
		w.(http.Flusher).Flush()
		if n == 0 {
			<-r.Context().Done()
		}
		io.WriteString(w, `"b"]`)
	}
	bubble(t, heapster.Options{Timeout: time.Minute}, slow, func(t *testing.T, c *heapster.Client) {
		start := time.Now()
		names, err := c.List(t.Context(), schema.Node, schema.ClusterEntity())
		if err != nil || len(names) != 2 || time.Since(start) < time.Minute {
			t.Errorf("got %q, %v after %s", names, err, time.Since(start))
		}
	})
	stuck := func(_ int, w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	bubble(t, heapster.Options{Timeout: time.Minute}, stuck, func(t *testing.T, c *heapster.Client) {
		_, err := c.List(t.Context(), schema.Node, schema.ClusterEntity())
		heapstertest.CheckError(t, err, schema.ErrUnreachable, "no whole answer within 1m0s", "raise --timeout")
		if errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v looks like the end of the caller's time", err)
		}
	})
}

// The end of the caller's context is returned as it is.
func TestCallerGivesUp(t *testing.T) {
	stuck := func(_ int, w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	bubble(t, heapster.Options{}, stuck, func(t *testing.T, c *heapster.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := c.List(ctx, schema.Node, schema.ClusterEntity()); err != context.Canceled {
			t.Errorf("in a request: %v", err)
		}
		if _, err := c.List(ctx, schema.Node, schema.ClusterEntity()); err != context.Canceled {
			t.Errorf("before a request: %v", err)
		}
	})
	busy := func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "20")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	bubble(t, heapster.Options{}, busy, func(t *testing.T, c *heapster.Client) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := c.List(ctx, schema.Node, schema.ClusterEntity()); err != context.DeadlineExceeded {
			t.Errorf("between requests: %v", err)
		}
	})
	bubble(t, heapster.Options{Concurrency: 1}, stuck, func(t *testing.T, c *heapster.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error)
		go func() {
			_, err := c.List(ctx, schema.Node, schema.ClusterEntity())
			first <- err
		}()
		synctest.Wait()
		waiting, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		if _, err := c.List(waiting, schema.Node, schema.ClusterEntity()); err != context.Canceled {
			t.Errorf("waiting for its turn: %v", err)
		}
		cancel()
		if err := <-first; err != context.Canceled {
			t.Error(err)
		}
	})
}
