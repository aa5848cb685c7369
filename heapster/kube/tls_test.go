package kube_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"heapstash/heapster/kube"
	"heapstash/schema"
)

// clientUser is a kubeconfig's user with a self-signed client certificate, for the name
// archivist.
func clientUser(t *testing.T, until time.Time) (user string, certificate *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	template.Subject.CommonName = "archivist"
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err = x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return "client-certificate-data: " + base64.StdEncoding.EncodeToString(encode("CERTIFICATE", raw)) +
		"\n    client-key-data: " + base64.StdEncoding.EncodeToString(encode("EC PRIVATE KEY", keyDER)), certificate
}

// mutual is an apiserver that requires a good client certificate.
func mutual(t *testing.T, clients *x509.CertPool, version uint16) (url, trust string) {
	t.Helper()
	server := httptest.NewUnstartedServer(apiserverHandler(modern))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients, MaxVersion: version}
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, "certificate-authority: " + write(t, string(encode("CERTIFICATE", server.Certificate().Raw)))
}

// With a kubeconfig, hints about TLS name its keys, and no flags of --heapster-url.
func TestTLSByKubeconfig(t *testing.T) {
	noCluster(t)
	server, caFile, _ := secureServer(t, nil)
	trust := "certificate-authority: " + caFile
	good, known := clientUser(t, time.Now().Add(time.Hour))
	stranger, _ := clientUser(t, time.Now().Add(time.Hour))
	expired, was := clientUser(t, time.Now().Add(-time.Hour))
	clients := x509.NewCertPool()
	clients.AddCert(known)
	clients.AddCert(was)
	plain := apiserver(t, modern)

	if err := get(t, kube.Options{Kubeconfig: kubeconfig(t, server.URL, trust+"\n    tls-server-name: example.com", "token: secret")}); err != nil {
		t.Errorf("with tls-server-name: %v", err)
	}
	for name, test := range map[string]struct {
		url, cluster, user string
		message, hint      string
	}{
		"no CA":         {server.URL, "", "token: secret", "unknown authority", "as certificate-authority of the kubeconfig's cluster"},
		"another name":  {server.URL, trust + "\n    tls-server-name: other.example", "token: secret", "not other.example", "127.0.0.1, ::1: write one of the certificate's names as tls-server-name"},
		"plain":         {strings.Replace(plain.URL, "http:", "https:", 1), "", "token: secret", "HTTP response to HTTPS client", "begin the server of the kubeconfig's cluster, or the URL in --server, with http://"},
		"TLS":           {strings.Replace(server.URL, "https:", "http:", 1), "", "token: secret", "400 Bad Request", "https://"},
		"spaced plugin": {server.URL, trust, execPrinting(t, `{"token":"a\nb"}`), "invalid header field value", "the token has a line break in it"},
	} {
		t.Run(name, func(t *testing.T) { checkHint(t, test.url, test.cluster, test.user, test.message, test.hint) })
	}
	for version, name := range map[uint16]string{tls.VersionTLS12: "TLS 1.2", tls.VersionTLS13: "TLS 1.3"} {
		t.Run(name, func(t *testing.T) {
			url, trust := mutual(t, clients, version)
			if err := get(t, kube.Options{Kubeconfig: kubeconfig(t, url, trust, good)}); err != nil {
				t.Errorf("with a good certificate: %v", err)
			}
			checkHint(t, url, trust, "token: secret", "", "client-certificate and client-key")
			checkHint(t, url, trust, expired, "", "client-certificate and client-key")
			checkHint(t, url, trust, stranger, "", "client-certificate and client-key")
		})
	}
}

// execPrinting is a user with a plugin that prints that status.
func execPrinting(t *testing.T, status string) string {
	t.Helper()
	plugin := write(t, `#!/bin/sh
cat <<'END'
{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":`+status+`}
END
`)
	return "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: " + plugin + "}"
}

// For an expired credential of a plugin, the hint names the user in the kubeconfig.
func TestExpiredPlugin(t *testing.T) {
	noCluster(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"kind":"Status","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}`)
	}))
	server.StartTLS()
	defer server.Close()
	trust := "certificate-authority: " + write(t, string(encode("CERTIFICATE", server.Certificate().Raw)))
	user := execPrinting(t, `{"token":"stale","expirationTimestamp":"2018-01-01T00:00:00Z"}`)
	checkHint(t, server.URL, trust, user, "401 Unauthorized", "kubeconfig")
}

// checkHint compares the error of a kubeconfig with a message and a hint.
func checkHint(t *testing.T, url, cluster, user, message, hint string) {
	t.Helper()
	err := get(t, kube.Options{Kubeconfig: kubeconfig(t, url, cluster, user)})
	var hinter interface{ Hint() string }
	if !errors.As(err, &hinter) {
		t.Errorf("got %v, which has no hint", err)
		return
	}
	if !strings.Contains(err.Error(), message) || !strings.Contains(hinter.Hint(), hint) {
		t.Errorf("got %v, hint %q; want %q and %q", err, hinter.Hint(), message, hint)
	}
	for _, flag := range []string{"--ca-file", "--client-cert-file", "--token-file", "--heapster-url"} {
		if strings.Contains(hinter.Hint(), flag) {
			t.Errorf("%v: the hint %q names %s, which does not go with a kubeconfig", err, hinter.Hint(), flag)
		}
	}
	if !errors.Is(err, schema.ErrUnreachable) && !errors.Is(err, schema.ErrRefused) && !errors.Is(err, schema.ErrProtocol) {
		t.Errorf("%v has no kind", err)
	}
}
