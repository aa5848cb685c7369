// Package heapstertest is for tests that need a Heapster which answers badly. It has a
// stand-in with faults, and clients of servers that answer as the test says.
package heapstertest

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"heapstash/heapster"
)

// NewClient returns a client of the Heapster at base.
func NewClient(t testing.TB, hc *http.Client, base string, opts heapster.Options) *heapster.Client {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	c, err := heapster.New(hc, u, opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Serve returns a client of a server that answers with handler, below a path
// as long as the apiserver's.
func Serve(t testing.TB, opts heapster.Options, handler http.HandlerFunc) *heapster.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return NewClient(t, server.Client(), server.URL+"/api/v1/namespaces/kube-system/services/http:heapster:/proxy/", opts)
}

// CheckError compares err with its sentinel, a part of its message and a part of
// its hint.
func CheckError(t testing.TB, err, sentinel error, message, hint string) {
	t.Helper()
	var hinter interface {
		error
		Hint() string
	}
	if !errors.As(err, &hinter) {
		t.Fatalf("got %v, which has no hint", err)
	}
	if !errors.Is(err, sentinel) {
		t.Errorf("%v is not %q", err, sentinel)
	}
	if !strings.Contains(err.Error(), message) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q; want a line with %q", err, message)
	}
	if got := hinter.Hint(); !strings.Contains(got, hint) || hint == "" && got != "" {
		t.Errorf("%v: hint %q; want %q", err, got, hint)
	}
}

// File writes a file that the test's end removes.
func File(t testing.TB, content string) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// CertificateFile writes a certificate in PEM.
func CertificateFile(t testing.TB, certificate *x509.Certificate) (name string) {
	t.Helper()
	return File(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})))
}

// Quiet is the error log of servers whose clients break off on purpose.
func Quiet() *log.Logger { return log.New(io.Discard, "", 0) }
