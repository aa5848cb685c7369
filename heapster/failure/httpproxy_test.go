package failure_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"heapstash/heapster"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

// net/http reads HTTPS_PROXY once in a process, so that each proxy needs a process of
// its own.
func TestProxyRefusesToConnect(t *testing.T) {
	const child = "TEST_ASKS"
	if address := os.Getenv(child); address != "" {
		hc, err := heapster.DirectClient(heapster.DirectOptions{CAFile: os.Getenv("TEST_CA")})
		if err != nil {
			t.Fatal(err)
		}
		_, err = heapstertest.NewClient(t, hc, "https://"+address, heapster.Options{Tries: 2}).List(t.Context(), schema.Node, schema.ClusterEntity())
		fmt.Printf("error: %v\nhint: %s\n", err, schema.HintOf(err))
		return
	}

	ca := newAuthority(t, nil)
	server := secure(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, rsaKey(), func(c *x509.Certificate) { c.DNSNames = []string{"behind.example"} })}})
	for name, test := range map[string]struct {
		status, message, hint string
		asked                 int
	}{
		"passes":      {"200 Connection established", "error: <nil>", "hint: \n", 1},
		"forbidden":   {"403 Forbidden", `the HTTP proxy answered "Forbidden"`, "does not allow CONNECT", 1},
		"its words":   {"403 Filtered by policy", `the HTTP proxy answered "Filtered by policy"`, "does not allow CONNECT", 1},
		"credentials": {"407 Proxy Authentication Required", `answered "Proxy Authentication Required"`, "http://USER:PASSWORD@HOST:PORT in HTTPS_PROXY or HTTP_PROXY, or", 1},
		"unreachable": {"502 Bad Gateway", `answered "Bad Gateway"`, "does not reach the server", 2},
		"hangs up":    {"", "EOF", "closed the connection", 2},
		"no TLS":      {"https", "tls: first record does not look", "begin its URL in HTTPS_PROXY or HTTP_PROXY with http://", 0},
	} {
		t.Run(name, func(t *testing.T) {
			asked := make(chan string, 10)
			proxy := listen(t, func(conn net.Conn) {
				if test.status == "https" {
					conn.Read(make([]byte, 4096))
					fmt.Fprint(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
					return
				}
				req, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				asked <- req.Method
				if test.status == "" {
					return
				}
				fmt.Fprintf(conn, "HTTP/1.1 %s\r\n\r\n", test.status)
				if strings.HasPrefix(test.status, "200") {
					relay(conn, server, nil)
				}
			})
			scheme := "http"
			if test.status == "https" {
				scheme = "https"
			}
			cmd := exec.Command(os.Args[0], "-test.run=^TestProxyRefusesToConnect$", "-test.count=1")
			cmd.Env = append(os.Environ(), child+"=behind.example:443", "TEST_CA="+ca.file, "HTTPS_PROXY="+scheme+"://user:secret@"+proxy)
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if said := string(out); !strings.Contains(said, test.message) || !strings.Contains(said, test.hint) || strings.Contains(said, "secret") {
				t.Errorf("said %s; want %q and %q", said, test.message, test.hint)
			}
			if len(asked) != test.asked {
				t.Errorf("asked %d times; want %d", len(asked), test.asked)
			}
		})
	}
}

// The hint tells a firewall that drops all packets from a slow server.
func TestConnectionRefused(t *testing.T) {
	dropped := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	silent := listen(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	for hint, transport := range map[string]*http.Transport{
		"no server answers at that address": dropped,
		"raise --timeout":                   {},
	} {
		defer transport.CloseIdleConnections()
		c := heapstertest.NewClient(t, &http.Client{Transport: transport}, "http://"+silent, heapster.Options{Tries: 1, Timeout: 200 * time.Millisecond})
		_, err := c.List(t.Context(), schema.Node, schema.ClusterEntity())
		heapstertest.CheckError(t, err, schema.ErrUnreachable, "no whole answer within 200ms", hint)
	}
}
