package clickhouse

import (
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// tap stands between collectors and the servers of a cluster. It sees the inserts, and
// lets a test do something at an exact moment of a pass.
type tap struct {
	addresses []string // in the order of the servers

	mu       sync.Mutex
	inserts  []insert
	before   func(insert)             // before the statement reaches the server
	answered func(insert) (pass bool) // before the server's answer reaches the client; or the connection ends
	conns    map[net.Conn]bool
}

// insert is a statement that a client sent.
type insert struct {
	moment
	server int
}

// moment is the nth insert into a table since the last call of [tap.watch], from 0.
type moment struct {
	table string
	nth   int
}

// startTap starts a tap that listens on the host, in front of the servers.
func startTap(t *testing.T, host string, servers []string) *tap {
	t.Helper()
	p := &tap{conns: make(map[net.Conn]bool)}
	var running sync.WaitGroup
	t.Cleanup(func() {
		p.cut()
		running.Wait()
	})
	for i, server := range servers {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		p.addresses = append(p.addresses, listener.Addr().String())
		running.Go(func() {
			for {
				client, err := listener.Accept()
				if err != nil {
					return
				}
				running.Go(func() { p.relay(i, client, server) })
			}
		})
	}
	return p
}

// watch begins to count, and sets what happens at inserts. Nil does nothing.
func (p *tap) watch(before func(insert), answered func(insert) (pass bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inserts, p.before, p.answered = nil, before, answered
}

// seen returns the inserts since the last call of watch.
func (p *tap) seen() []insert {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inserts
}

// cut ends all connections.
func (p *tap) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		conn.Close()
	}
}

// relay copies between a client and its server until one of them goes away.
func (p *tap) relay(i int, client net.Conn, address string) {
	server, err := net.Dial("tcp", address)
	if err != nil {
		client.Close()
		return
	}
	for _, conn := range []net.Conn{client, server} {
		p.mu.Lock()
		p.conns[conn] = true
		p.mu.Unlock()
		defer func() {
			p.mu.Lock()
			delete(p.conns, conn)
			p.mu.Unlock()
			conn.Close()
		}()
	}
	// The answers to an insert are first its columns and then, after the rows, its end.
	var mu sync.Mutex
	var current *insert
	var columns bool
	done := make(chan bool, 2)
	go func() {
		defer func() { done <- true }()
		copyChunks(server, client, func(chunk []byte) bool {
			if table := insertInto.FindSubmatch(chunk); table != nil {
				in, before := p.count(i, string(table[1]))
				mu.Lock()
				current, columns = &in, false
				mu.Unlock()
				if before != nil {
					before(in)
				}
			}
			return true
		})
	}()
	go func() {
		defer func() { done <- true }()
		copyChunks(client, server, func([]byte) bool {
			mu.Lock()
			in := current
			if in != nil && !columns {
				columns, in = true, nil
			}
			if in != nil {
				current = nil
			}
			mu.Unlock()
			if in == nil {
				return true
			}
			p.mu.Lock()
			answered := p.answered
			p.mu.Unlock()
			return answered == nil || answered(*in)
		})
	}()
	<-done
}

var insertInto = regexp.MustCompile("INSERT INTO ([A-Za-z0-9_`]+)")

func (p *tap) count(server int, table string) (insert, func(insert)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := moment{table: strings.Trim(table, "`")}
	for _, earlier := range p.inserts {
		if earlier.table == m.table {
			m.nth++
		}
	}
	in := insert{m, server}
	p.inserts = append(p.inserts, in)
	return in, p.before
}

// copyChunks copies what can be read at once, if see allows it.
func copyChunks(to io.Writer, from io.Reader, see func(chunk []byte) bool) {
	chunk := make([]byte, 1<<20)
	for {
		n, err := from.Read(chunk)
		if n > 0 {
			if !see(chunk[:n]) {
				return
			}
			if _, err := to.Write(chunk[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
