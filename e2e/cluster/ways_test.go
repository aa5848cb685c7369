package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"heapstash/e2e/rig"
)

// address is an address of Heapster in the cluster.
type address struct {
	namespace, service, port string
	flags                    []string
	// account is the service account in heapstash's namespace that may use it.
	account string
}

// name spells the service for the modern path and for a Role.
func (a address) name() string { return "http:" + a.service + ":" + a.port }

// legacyName spells the service for the legacy path.
func (a address) legacyName() string {
	if a.port == "" {
		return a.service
	}
	return a.name()
}

// addresses are the one that kubectl top uses, and another one.
var addresses = []address{
	{namespace: "kube-system", service: "heapster", account: "heapstash"},
	{namespace: "monitoring", service: "metrics", port: "api", account: "elsewhere",
		flags: []string{"--heapster-namespace", "monitoring", "--heapster-service", "metrics", "--heapster-port", "api"}},
}

// way is a way to reach Heapster.
type way struct {
	name      string
	arguments []string
	environ   []string
}

// ways returns all ways to the address from outside of pods.
func ways(t *testing.T, a address) []way {
	t.Helper()
	text, err := cluster.Token(t.Context(), "heapstash", a.account)
	if err != nil {
		t.Fatal(err)
	}
	account := kubeconfig(t, clientcmdapi.AuthInfo{Token: text})
	legacy := startLegacyFront(t, text)
	proxy, legacyProxy := startProxy(t, "", cluster.AdminConf), startProxy(t, "", legacy)
	ways := []way{
		{name: "client certificate", arguments: []string{"--kubeconfig", cluster.AdminConf}},
		{name: "KUBECONFIG and context", arguments: []string{"--context", "user@kubernetes"}, environ: []string{"KUBECONFIG=" + cluster.AdminConf}},
		{name: "service account's token", arguments: []string{"--kubeconfig", account}},
		{name: "kubectl proxy", arguments: []string{"--server", proxy}},
		{name: "legacy path", arguments: []string{"--kubeconfig", legacy, "--heapster-proxy-path", "legacy"}},
		{name: "legacy path, found out", arguments: []string{"--kubeconfig", legacy}},
		{name: "legacy path through kubectl proxy", arguments: []string{"--server", legacyProxy, "--heapster-proxy-path", "legacy"}},
		{name: "legacy path through kubectl proxy, found out", arguments: []string{"--server", legacyProxy}},
	}
	for i := range ways {
		ways[i].arguments = append(ways[i].arguments, a.flags...)
	}
	return append(ways,
		way{name: "kubectl proxy's URL of Heapster",
			arguments: []string{"--heapster-url", proxy + "/api/v1/namespaces/" + a.namespace + "/services/" + a.name() + "/proxy"}},
		way{name: "kubectl proxy's legacy URL of Heapster",
			arguments: []string{"--heapster-url", legacyProxy + "/api/v1/proxy/namespaces/" + a.namespace + "/services/" + a.legacyName()}})
}

// TestWaysIn archives the same Heapster by every way. The archives must be equal, cell
// by cell.
func TestWaysIn(t *testing.T) {
	feed(t, newCluster(), 65*time.Second, 5*time.Second)
	defer restartHeapster(t)
	allowElsewhere(t)
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
	try := func(t *testing.T, ways ...way) {
		for _, way := range ways {
			t.Run(way.name, func(t *testing.T) {
				archive := filepath.Join(t.TempDir(), "a.db")
				heapstash(t, way.environ, append([]string{"collect", "--db-file", archive}, way.arguments...)...).Want(t, 0)
				compare(t, archive)
			})
		}
	}
	for _, a := range addresses {
		t.Run(a.namespace, func(t *testing.T) {
			try(t, ways(t, a)...)
			t.Run("a pod's service account", func(t *testing.T) {
				claim := t.TempDir()
				spec := deployment(t).Spec.Template.Spec
				spec.ServiceAccountName = a.account
				pod := newPod(t, spec, claim)
				pod.Run(append([]string{"collect"}, a.flags...)...)
				rig.Run(t, podCommand(t, pod)).Want(t, 0)
				compare(t, filepath.Join(claim, "heapstash.db"))
			})
		})
	}
	try(t,
		way{name: "Heapster itself", arguments: []string{"--heapster-url", cluster.Heapster.URL}},
		way{name: "a port by number", arguments: []string{"--kubeconfig", cluster.AdminConf,
			"--heapster-namespace", "monitoring", "--heapster-service", "metrics", "--heapster-port", "8081"}},
		way{name: "a service that speaks TLS", arguments: []string{"--kubeconfig", cluster.AdminConf,
			"--heapster-namespace", "monitoring", "--heapster-service", "metrics", "--heapster-port", "secure", "--heapster-scheme", "https"}})
	t.Run("the kubectl of this machine", func(t *testing.T) {
		kubectl, err := exec.LookPath("kubectl")
		if err != nil {
			t.Skip("there is none; the proxy of the kubectl packages is tested above")
		}
		archive := filepath.Join(dir, "kubectl.db")
		heapstash(t, nil, "collect", "--db-file", archive, "--server", startProxy(t, kubectl, cluster.AdminConf)).Want(t, 0)
		compare(t, archive)
	})
}

// allowElsewhere makes the service account for the other address, with the Role of
// docs/access.md for it.
func allowElsewhere(t *testing.T) {
	t.Helper()
	a := addresses[1]
	for _, command := range [][]string{
		{"create", "serviceaccount", a.account, "--namespace=heapstash"},
		{"create", "role", a.account, "--namespace=" + a.namespace, "--verb=get", "--resource=services/proxy", "--resource-name=" + a.name()},
		{"create", "rolebinding", a.account, "--namespace=" + a.namespace, "--role=" + a.account, "--serviceaccount=heapstash:" + a.account},
	} {
		if _, err := cluster.Kubectl(t.Context(), command...); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if _, err := cluster.Kubectl(context.Background(), "delete", "rolebinding,role", a.account, "--namespace="+a.namespace); err != nil {
			t.Error(err)
		}
		if _, err := cluster.Kubectl(context.Background(), "delete", "serviceaccount", a.account, "--namespace=heapstash"); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "RBAC follows the Role", func() bool {
		_, err := cluster.Kubectl(t.Context(), "get", "--raw", "/api/v1/namespaces/"+a.namespace+"/services/"+a.name()+"/proxy/healthz",
			"--as=system:serviceaccount:heapstash:"+a.account)
		return err == nil
	})
}

// startProxy starts a kubectl proxy with a kubeconfig, and returns its URL. It uses the
// kubectl of realkubernetes if kubectl is empty.
func startProxy(t *testing.T, kubectl, kubeconfig string, flags ...string) string {
	t.Helper()
	proxy, err := cluster.StartProxy(kubectl, kubeconfig, flags...)
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

// legacyService matches the legacy path of a service, up to its name.
var legacyService = regexp.MustCompile(`^/api/v1/proxy/namespaces/([^/]+)/services/([^/]+)/`)

// modern converts a legacy path to the modern one. A plain name of a service becomes
// the name that the Role of the manifests allows.
func modern(legacy string) string {
	parts := legacyService.FindStringSubmatch(legacy)
	if parts == nil {
		return legacy
	}
	name := parts[2]
	if !strings.Contains(name, ":") {
		name = "http:" + name + ":"
	}
	return "/api/v1/namespaces/" + parts[1] + "/services/" + name + "/proxy/" + legacy[len(parts[0]):]
}

// startLegacyFront starts a stand-in for an apiserver up to 1.1, which had only the
// legacy path. It rewrites the path for the real apiserver, which authenticates and
// authorizes. It returns a kubeconfig with the token.
func startLegacyFront(t *testing.T, token string) string {
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
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(server)
			// Escaped, because names of metrics contain slashes.
			r.Out.URL.RawPath = modern(r.In.URL.EscapedPath())
			r.Out.URL.Path = modern(r.In.URL.Path)
		},
	}
	front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !legacyService.MatchString(r.URL.Path) {
			http.NotFound(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := rig.WriteKubeconfig(path, front.URL, rig.CertificatePEM(front.Certificate()), clientcmdapi.AuthInfo{Token: token}); err != nil {
		t.Fatal(err)
	}
	return path
}
