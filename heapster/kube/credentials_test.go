package kube_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"heapstash/heapster/kube"
	"heapstash/schema"
)

// secureServer is an apiserver with TLS that reports the name in the client's
// certificate, or the Authorization header.
func secureServer(t *testing.T, clients *x509.CertPool) (server *httptest.Server, caFile string, asked *string) {
	t.Helper()
	asked = new(string)
	answer := apiserverHandler(modern)
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = r.Header.Get("Authorization")
		if len(r.TLS.PeerCertificates) > 0 {
			*asked = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		answer.ServeHTTP(w, r)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: clients}
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, write(t, string(encode("CERTIFICATE", server.Certificate().Raw))), asked
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestToken(t *testing.T) {
	noCluster(t)
	server, caFile, asked := secureServer(t, nil)
	config := kubeconfig(t, server.URL, "certificate-authority: "+caFile, "token: secret")
	if err := get(t, kube.Options{Kubeconfig: config}); err != nil || *asked != "Bearer secret" {
		t.Errorf("sent %q, error %v", *asked, err)
	}
	t.Setenv("KUBECONFIG", config)
	if err := get(t, kube.Options{}); err != nil || *asked != "Bearer secret" {
		t.Errorf("by KUBECONFIG: sent %q, error %v", *asked, err)
	}

	distrustful := kubeconfig(t, server.URL, "", "token: secret")
	err := get(t, kube.Options{Kubeconfig: distrustful})
	if !errors.Is(err, schema.ErrUnreachable) || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("without the CA: %v", err)
	}
}

func TestClientCertificate(t *testing.T) {
	noCluster(t)
	user, certificate := clientUser(t, time.Now().Add(time.Hour))
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	server, caFile, asked := secureServer(t, pool)

	config := kubeconfig(t, server.URL, "certificate-authority: "+caFile, user)
	if err := get(t, kube.Options{Kubeconfig: config}); err != nil || *asked != "archivist" {
		t.Errorf("asked as %q, error %v", *asked, err)
	}
}

func TestExecPlugin(t *testing.T) {
	noCluster(t)
	server, caFile, asked := secureServer(t, nil)
	plugin := write(t, `#!/bin/sh
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"fresh"}}'
`)
	user := "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: "
	config := kubeconfig(t, server.URL, "certificate-authority: "+caFile, user+plugin+"}")
	if err := get(t, kube.Options{Kubeconfig: config}); err != nil || *asked != "Bearer fresh" {
		t.Errorf("sent %q, error %v", *asked, err)
	}

	for hint, command := range map[string]string{
		"install the user's exec plugin": "/no/such/plugin",
		"in a shell":                     write(t, "#!/bin/sh\nexit 3\n"),
		"disagree on the apiVersion":     write(t, "#!/bin/sh\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":\"ExecCredential\"}'\n"),
		"its output must be":             write(t, "#!/bin/sh\necho please log in\n"),
	} {
		config = kubeconfig(t, server.URL, "certificate-authority: "+caFile, user+command+"}")
		err := get(t, kube.Options{Kubeconfig: config})
		var hinter interface{ Hint() string }
		if !errors.Is(err, schema.ErrRefused) || strings.Contains(err.Error(), "\n") ||
			!errors.As(err, &hinter) || !strings.Contains(hinter.Hint(), hint) || strings.Contains(hinter.Hint(), "--token-file") {
			t.Errorf("%s: got %v; want the hint %q", command, err, hint)
		}
	}
}

// Client-go's log must not reach the user's terminal. Here it logs that the plugin
// fails when it runs again after a 401.
func TestClientGoIsSilent(t *testing.T) {
	noCluster(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	}))
	server.StartTLS()
	defer server.Close()
	caFile := write(t, string(encode("CERTIFICATE", server.Certificate().Raw)))
	used := caFile + ".used"
	plugin := write(t, `#!/bin/sh
test -e `+used+` && exit 1
touch `+used+`
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"stale"}}'
`)
	config := kubeconfig(t, server.URL, "certificate-authority: "+caFile,
		"exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: "+plugin+"}")

	read, written, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = written
	err = get(t, kube.Options{Kubeconfig: config})
	os.Stderr = stderr
	written.Close()
	if !errors.Is(err, schema.ErrRefused) {
		t.Errorf("got %v", err)
	}
	if said, _ := io.ReadAll(read); len(said) > 0 {
		t.Errorf("client-go said %q", said)
	}
}
