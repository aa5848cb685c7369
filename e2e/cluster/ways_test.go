package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"heapstash/e2e/rig"
)

// TestWaysIn archives one and the same Heapster by every way there is. The
// archives must be equal, cell by cell.
func TestWaysIn(t *testing.T) {
	feed(t, newCluster(), 65*time.Second, 5*time.Second)
	defer restartHeapster(t)
	account := kubeconfig(t, clientcmdapi.AuthInfo{Token: token(t)})
	proxy := startProxy(t, "")
	legacy := startLegacyFront(t)

	ways := []struct {
		name      string
		arguments []string
		environ   []string
	}{
		{name: "client certificate", arguments: []string{"--kubeconfig", cluster.AdminConf}},
		{name: "KUBECONFIG and context", arguments: []string{"--context", "user@kubernetes"}, environ: []string{"KUBECONFIG=" + cluster.AdminConf}},
		{name: "service account's token", arguments: []string{"--kubeconfig", account}},
		{name: "another service and port by name", arguments: []string{"--kubeconfig", cluster.AdminConf,
			"--heapster-namespace", "monitoring", "--heapster-service", "metrics", "--heapster-port", "api"}},
		{name: "another service and port by number", arguments: []string{"--kubeconfig", cluster.AdminConf,
			"--heapster-namespace", "monitoring", "--heapster-service", "metrics", "--heapster-port", "8081"}},
		{name: "a service that speaks TLS", arguments: []string{"--kubeconfig", cluster.AdminConf,
			"--heapster-namespace", "monitoring", "--heapster-service", "metrics", "--heapster-port", "secure", "--heapster-scheme", "https"}},
		{name: "kubectl proxy", arguments: []string{"--server", proxy}},
		{name: "kubectl proxy's URL of Heapster",
			arguments: []string{"--heapster-url", proxy + "/api/v1/namespaces/kube-system/services/http:heapster:/proxy"}},
		{name: "Heapster itself", arguments: []string{"--heapster-url", cluster.Heapster.URL}},
		{name: "legacy path", arguments: []string{"--kubeconfig", legacy, "--heapster-proxy-path", "legacy"}},
		{name: "legacy path, found out", arguments: []string{"--kubeconfig", legacy}},
	}
	dir := t.TempDir()
	var want []string
	compare := func(t *testing.T, archive string) {
		t.Helper()
		got := cells(t, archive)
		if want == nil {
			want = got
			if len(want) < 500 {
				t.Fatalf("only %d rows:\n%s", len(want), strings.Join(want, ""))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d rows, which differ from the %d of the first way", len(got), len(want))
		}
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			archive := filepath.Join(dir, strings.ReplaceAll(way.name, " ", "-")+".db")
			heapstash(t, way.environ, append([]string{"collect", "--db-file", archive}, way.arguments...)...).want(t, 0)
			compare(t, archive)
		})
	}
	t.Run("a pod's service account", func(t *testing.T) {
		claim := t.TempDir()
		pod := newPod(t, deployment(t).Spec.Template.Spec, claim)
		pod.Run("collect")
		runCommand(t, podCommand(t, pod)).want(t, 0)
		compare(t, filepath.Join(claim, "heapstash.db"))
	})
	t.Run("the kubectl of this machine", func(t *testing.T) {
		kubectl, err := exec.LookPath("kubectl")
		if err != nil {
			t.Skip("there is none; the proxy of the kubectl packages is tested above")
		}
		archive := filepath.Join(dir, "kubectl.db")
		heapstash(t, nil, "collect", "--db-file", archive, "--server", startProxy(t, kubectl)).want(t, 0)
		compare(t, archive)
	})
}

// startProxy starts a kubectl proxy, by that kubectl or the one of the
// packages, and returns its URL.
func startProxy(t *testing.T, kubectl string, flags ...string) string {
	t.Helper()
	proxy, err := cluster.StartProxy(kubectl, flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return proxy.URL
}

// startLegacyFront starts what stands for an apiserver up to 1.1, which knew
// but the legacy path: behind a rewriting of that path is the real one, with
// its authentication and authorization. It returns a kubeconfig of heapstash's
// account.
func startLegacyFront(t *testing.T) string {
	t.Helper()
	server, err := url.Parse(cluster.Server)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(cluster.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(ca) {
		t.Fatal("no certificate in ", cluster.CAFile)
	}
	const legacy = "/api/v1/proxy/namespaces/kube-system/services/heapster/"
	const modern = "/api/v1/namespaces/kube-system/services/http:heapster:/proxy/"
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(server)
			// As it is spelled, for names of metrics have slashes.
			r.Out.URL.RawPath = strings.Replace(r.In.URL.EscapedPath(), legacy, modern, 1)
			r.Out.URL.Path = strings.Replace(r.In.URL.Path, legacy, modern, 1)
		},
	}
	front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, legacy) {
			http.NotFound(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := rig.WriteKubeconfig(path, front.URL, rig.CertificatePEM(front.Certificate()), clientcmdapi.AuthInfo{Token: token(t)}); err != nil {
		t.Fatal(err)
	}
	return path
}
