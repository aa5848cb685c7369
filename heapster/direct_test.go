package heapster_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"heapstash/heapster"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

// clientCertificate returns a certificate that signs itself, and its files.
func clientCertificate(t *testing.T, name string) (certificate *x509.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	template.Subject.CommonName = name
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if certificate, err = x509.ParseCertificate(raw); err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	keyFile = heapstertest.File(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	return certificate, heapstertest.CertificateFile(t, certificate), keyFile
}

func TestClientCertificate(t *testing.T) {
	certificate, certFile, keyFile := clientCertificate(t, "archivist")
	var user string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user = r.TLS.PeerCertificates[0].Subject.CommonName
		io.WriteString(w, "[]")
	}))
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	server.TLS = &tls.Config{
		ClientAuth: tls.RequireAndVerifyClientCert,
		ClientCAs:  pool,
		MaxVersion: tls.VersionTLS12, // in 1.3 the alert races with the client's first words
	}
	server.Config.ErrorLog = heapstertest.Quiet()
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	caFile := heapstertest.CertificateFile(t, server.Certificate())

	hc, err := heapster.DirectClient(heapster.DirectOptions{CAFile: caFile, CertFile: certFile, KeyFile: keyFile})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := heapstertest.NewClient(t, hc, server.URL, heapster.Options{}).List(t.Context(), schema.Node, schema.ClusterEntity()); err != nil || user != "archivist" {
		t.Errorf("user %q, error %v", user, err)
	}

	hc, err = heapster.DirectClient(heapster.DirectOptions{CAFile: caFile})
	if err != nil {
		t.Fatal(err)
	}
	_, err = heapstertest.NewClient(t, hc, server.URL, heapster.Options{}).List(t.Context(), schema.Node, schema.ClusterEntity())
	heapstertest.CheckError(t, err, schema.ErrUnreachable, "remote error: tls: ", "requires a client certificate: give one with --client-cert-file")
}

func TestTokenFile(t *testing.T) {
	var sent string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Get("Authorization")
		io.WriteString(w, "[]")
	}))
	defer server.Close()
	token := heapstertest.File(t, "first\n")
	hc, err := heapster.DirectClient(heapster.DirectOptions{TokenFile: token})
	if err != nil {
		t.Fatal(err)
	}
	c := heapstertest.NewClient(t, hc, server.URL, heapster.Options{})
	for _, want := range []string{"first", "first", "second"} {
		if want == "second" {
			if err := os.WriteFile(token, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.List(t.Context(), schema.Node, schema.ClusterEntity()); err != nil || sent != "Bearer "+want {
			t.Errorf("sent %q, error %v; want %s", sent, err, want)
		}
	}

	if err := os.Remove(token); err != nil {
		t.Fatal(err)
	}
	hc.CloseIdleConnections()
	before, _ := c.Traffic()
	_, err = c.List(t.Context(), schema.Node, schema.ClusterEntity())
	heapstertest.CheckError(t, err, schema.ErrRefused, "getting credentials: token file: open", "check --token-file")
	if after, _ := c.Traffic(); after != before+1 {
		t.Errorf("tried %d times without a token", after-before)
	}
}

func TestHTTPClientFollowsNoRedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("followed, with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusMovedPermanently))
	defer server.Close()
	hc, err := heapster.DirectClient(heapster.DirectOptions{TokenFile: heapstertest.File(t, "secret")})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := hc.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func TestDirectClientRefuses(t *testing.T) {
	_, certFile, keyFile := clientCertificate(t, "archivist")
	empty := heapstertest.File(t, "")
	for message, opts := range map[string]heapster.DirectOptions{
		"CA file: open":                                     {CAFile: "/no/such/file"},
		"CA file: no PEM certificate in":                    {CAFile: empty},
		"client certificate: give both the certificate":     {CertFile: certFile},
		"client certificate: give both the certificate and": {KeyFile: keyFile},
		"client certificate: tls: failed to find":           {CertFile: empty, KeyFile: keyFile},
		"client certificate: tls: found a certificate":      {CertFile: certFile, KeyFile: certFile},
		"token file: open":                                  {TokenFile: "/no/such/file"},
		"does not hold one token":                           {TokenFile: empty},
		"token file: " + keyFile + " does not hold one":     {TokenFile: keyFile},
	} {
		if _, err := heapster.DirectClient(opts); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%+v: got %v; want %q", opts, err, message)
		}
	}
}
