package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// secure serves Heapster over TLS behind the modern path of an apiserver, as one of
// oldServers: most of them today's Go refuses. It sets the variable to the server's URL,
// and writes the server's certificate to ca.crt.
func (w *world) secure(ts *testscript.TestScript, args []string) {
	way, ok := oldServers[args[1]]
	if !ok {
		ts.Fatalf("there is no old server %q", args[1])
	}
	certificate := serverCertificate(ts, way.names)
	way.config.Certificates = []tls.Certificate{certificate}
	ts.Check(os.WriteFile(ts.MkAbs("ca.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}), 0o600))

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	if way.longest > 0 {
		listener = shortHello{listener, way.longest}
	}
	server := &http.Server{
		Handler:  http.StripPrefix("/api/v1/namespaces/kube-system/services/http:heapster:/proxy", w.sim),
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go server.Serve(tls.NewListener(listener, way.config))
	ts.Defer(func() { server.Close() })
	ts.Setenv(args[0], "https://"+listener.Addr().String())
}

// oldServer is a server as it was years ago.
type oldServer struct {
	config  *tls.Config
	names   bool // the certificate has some
	longest int  // first record that passes, in bytes; 0 is any
}

var oldServers = map[string]oldServer{
	"good":             {config: &tls.Config{}, names: true},
	"no-names":         {config: &tls.Config{}},
	"tls-1.1":          {config: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, names: true},
	"rsa-key-exchange": {config: &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}, names: true},
	"short-hello":      {config: &tls.Config{}, names: true, longest: 1400},
}

// serverCertificate returns a certificate that is signed by itself.
func serverCertificate(ts *testscript.TestScript, names bool) tls.Certificate {
	key, err := rsa.GenerateKey(rand.Reader, 2048) // RSA key exchange wants such a key
	ts.Check(err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "kubernetes"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	if names {
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	ts.Check(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// shortHello resets connections with a long first record, as some firewalls do.
type shortHello struct {
	net.Listener
	longest int
}

func (l shortHello) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		header := make([]byte, 5)
		if _, err := io.ReadFull(conn, header); err != nil {
			conn.Close()
			continue
		}
		if int(header[3])<<8+int(header[4])+len(header) > l.longest {
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
			continue
		}
		return &peeked{conn, bytes.NewReader(header)}, nil
	}
}

// peeked is a connection whose first bytes were read before.
type peeked struct {
	net.Conn
	before *bytes.Reader
}

func (p *peeked) Read(b []byte) (int, error) {
	if p.before.Len() > 0 {
		return p.before.Read(b)
	}
	return p.Conn.Read(b)
}
