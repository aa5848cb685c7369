package conn

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"heapstash/archive/clickhouse/clickhousetest"
)

// relay stands between clients and a server.
type relay struct {
	address string
	mu      sync.Mutex
	conns   int
	hold    func(conn int) bool // no answer reaches the client of the nth connection
	freed   *sync.Cond
}

func startRelay(t *testing.T, server string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{address: listener.Addr().String(), hold: func(int) bool { return false }}
	r.freed = sync.NewCond(&r.mu)
	var running sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		r.set(func(int) bool { return false })
		running.Wait()
	})
	running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			behind, err := net.Dial("tcp", server)
			if err != nil {
				t.Error(err)
				return
			}
			r.mu.Lock()
			n := r.conns
			r.conns++
			r.freed.Broadcast()
			r.mu.Unlock()
			running.Go(func() {
				_, _ = io.Copy(behind, client)
				behind.Close()
			})
			running.Go(func() {
				_, _ = io.Copy(held{client, r, n}, behind)
				client.Close()
			})
		}
	})
	return r
}

func (r *relay) set(hold func(conn int) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold = hold
	r.freed.Broadcast()
}

// held writes when the relay lets it.
type held struct {
	io.Writer
	of *relay
	n  int // of the connection
}

func (h held) Write(p []byte) (int, error) {
	h.of.mu.Lock()
	for h.of.hold(h.n) {
		h.of.freed.Wait()
	}
	h.of.mu.Unlock()
	return h.Writer.Write(p)
}

// TestSilence: a statement may take long while its server answers on other connections;
// a server that answers nothing is dead, and so is one that is silent for too long.
func TestSilence(t *testing.T) {
	server := clickhousetest.Start(t)
	const tick = 50 * time.Millisecond
	open := func(p patience) (*relay, *Pool, *wires) {
		r := startRelay(t, server.Address)
		w := &wires{patience: p, options: clickhouse.Options{Addr: []string{r.address}}, within: time.Minute, open: make(map[*wire]bool)}
		c := newPool(w.options, w)
		if err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return r, c, w
	}
	one := func(c *Pool) error {
		var n uint8
		return c.QueryRow(t.Context(), "SELECT 1").Scan(&n)
	}
	first := func(conn int) bool { return conn == 0 }
	t.Run("Alive", func(t *testing.T) {
		r, c, _ := open(patience{tick, time.Minute, time.Minute})
		r.set(func(conn int) bool {
			// It is free when the server was asked three times.
			return conn == 0 && r.conns < 4
		})
		if err := one(c); err != nil {
			t.Error(err)
		}
	})
	t.Run("Dead", func(t *testing.T) {
		r, c, w := open(patience{tick, tick, time.Minute})
		r.set(func(int) bool { return true })
		err := one(c)
		if err == nil || !strings.Contains(err.Error(), "does not answer on another connection") || !MayPass(err) {
			t.Errorf("the error is %v", err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.open) > 0 {
			t.Errorf("%d connections are open", len(w.open))
		}
	})
	t.Run("Silent", func(t *testing.T) {
		r, c, _ := open(patience{tick, time.Minute, 3 * tick})
		r.set(first)
		err := one(c)
		if err == nil || !strings.Contains(err.Error(), "answers on other connections") || !MayPass(err) {
			t.Errorf("the error is %v", err)
		}
	})
}
