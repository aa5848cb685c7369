package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// patience is how long connections wait.
type patience struct {
	// quiet is how long a server may send nothing, or read nothing, until it is asked
	// on another connection whether it still answers. A server sends nothing while it
	// writes the rows of an INSERT.
	quiet time.Duration
	// answer is how long that answer may take. A server is dead after two failures.
	answer time.Duration
	// silent is how long a server that answers on other connections may be quiet.
	silent time.Duration
}

var patient = patience{quiet: 15 * time.Second, answer: 5 * time.Second, silent: 5 * time.Minute}

// dialer finds dead hosts behind an address of many servers, where another server may
// answer the question.
var dialer = net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 4}}

// wire is a connection to a server. A read or a write ends with an error when the server
// is dead, and not because it takes long.
type wire struct {
	*net.TCPConn
	address string
	of      *wires
	open    context.Context // ends when the wire is closed
	close   context.CancelFunc

	mu       sync.Mutex
	deadline time.Time // zero for none
}

// SetDeadline bounds reads and writes that begin later.
func (w *wire) SetDeadline(t time.Time) error {
	w.mu.Lock()
	w.deadline = t
	w.mu.Unlock()
	return w.TCPConn.SetDeadline(t)
}

// SetReadDeadline does nothing: clickhouse-go would bound a whole answer by it, however
// many rows still come.
func (w *wire) SetReadDeadline(time.Time) error { return nil }

// Read implements [net.Conn].
func (w *wire) Read(p []byte) (n int, err error) {
	err = w.attend(w.TCPConn.SetReadDeadline, func() (bool, error) {
		n, err = w.TCPConn.Read(p)
		return n > 0, err
	})
	return n, err
}

// Write implements [net.Conn].
func (w *wire) Write(p []byte) (n int, err error) {
	err = w.attend(w.TCPConn.SetWriteDeadline, func() (bool, error) {
		m, err := w.TCPConn.Write(p[n:])
		n += m
		return m > 0, err
	})
	return n, err
}

// attend tries until try returns no error, or the server is dead. Try reports whether
// the server did something. After an error the wire is closed: clickhouse-go does not
// close a connection whose handshake failed.
func (w *wire) attend(set func(time.Time) error, try func() (active bool, err error)) (err error) {
	defer func() {
		if err != nil {
			_ = w.Close() // the error is the reason
		}
	}()
	w.mu.Lock()
	deadline := w.deadline
	w.mu.Unlock()
	for active := time.Now(); ; {
		limit := time.Now().Add(w.of.quiet)
		if !deadline.IsZero() && deadline.Before(limit) {
			limit = deadline
		}
		if err := set(limit); err != nil {
			return err
		}
		was, err := try()
		if was {
			active = time.Now()
		}
		switch {
		case err == nil:
			return set(deadline)
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case limit.Equal(deadline):
			return err
		case time.Since(active) > w.of.silent:
			return fmt.Errorf("%s answers on other connections, but this one was silent for %v: %w", w.address, w.of.silent, err)
		case !was:
			if err := w.ask(); err != nil {
				return err
			}
		}
	}
}

// ask returns an error if the server does not answer on another connection. Then it
// closes all wires to the server.
func (w *wire) ask() (err error) {
	for range 2 {
		ctx, cancel := context.WithTimeout(w.open, w.of.answer)
		err = w.of.ask(ctx, w.address)
		cancel()
		if w.open.Err() != nil {
			return net.ErrClosed
		}
		if err == nil {
			return nil
		}
	}
	w.of.cut(w.address)
	return fmt.Errorf("%s was silent for %v, and does not answer on another connection: %w", w.address, w.of.quiet, err)
}

// Close closes the connection.
func (w *wire) Close() error {
	w.close()
	w.of.remove(w)
	return w.TCPConn.Close()
}

// wires makes the connections of a pool, and has those that are open. Several goroutines
// may use it.
type wires struct {
	patience
	options clickhouse.Options // of the pool
	within  time.Duration      // for connecting

	mu   sync.Mutex
	open map[*wire]bool
}

// dial connects to a server for a connection that ends with open. The driver gives ctx one
// limit for all addresses, so that a dead first one would leave no time for the others: a
// limit of its own replaces it.
func (s *wires) dial(ctx, open context.Context, address string) (net.Conn, error) {
	own, cancel := context.WithTimeout(open, s.within)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		if !errors.Is(context.Cause(ctx), clickhouse.ErrAcquireConnTimeout) {
			cancel()
		}
	})
	defer stop()
	c, err := dialer.DialContext(own, "tcp", address)
	if err != nil {
		return nil, err
	}
	w := &wire{TCPConn: c.(*net.TCPConn), address: address, of: s}
	w.open, w.close = context.WithCancel(open)
	context.AfterFunc(w.open, func() { _ = c.Close() })
	s.mu.Lock()
	s.open[w] = true
	s.mu.Unlock()
	return s.secure(own, w, address)
}

// secure begins TLS, if the pool uses it.
func (s *wires) secure(ctx context.Context, c net.Conn, address string) (net.Conn, error) {
	if s.options.TLS == nil {
		return c, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	config := s.options.TLS.Clone()
	config.ServerName = host
	secure := tls.Client(c, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return secure, nil
}

// ask asks a server on a connection of its own whether it answers. An error that the
// server answers is an answer.
func (s *wires) ask(ctx context.Context, address string) error {
	o := s.options
	o.Addr, o.Auth.Database, o.Settings, o.DialTimeout = []string{address}, "", nil, s.answer
	var own net.Conn
	o.DialContext = func(ctx context.Context, address string) (_ net.Conn, err error) {
		if own, err = dialer.DialContext(ctx, "tcp", address); err != nil {
			return nil, err
		}
		return s.secure(ctx, own, address)
	}
	defer func() {
		if own != nil {
			own.Close()
		}
	}()
	c, err := clickhouse.Open(&o)
	if err != nil {
		return err
	}
	defer c.Close() // it is not used again
	err = c.Ping(ctx)
	if _, answered := errors.AsType[*clickhouse.Exception](err); answered {
		return nil
	}
	return err
}

func (s *wires) remove(w *wire) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, w)
}

// cut closes the wires to a server, so that statements do not find out one by one that
// it is dead.
func (s *wires) cut(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.open {
		if w.address == address {
			w.close()
			delete(s.open, w)
		}
	}
}
