package kube_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heapstash/heapster"
	"heapstash/heapster/failure"
	"heapstash/heapster/kube"
	"heapstash/schema"
)

const (
	modern = "/api/v1/namespaces/kube-system/services/http:heapster:/proxy"
	legacy = "/api/v1/proxy/namespaces/kube-system/services/heapster"
)

// noCluster hides the kubeconfig and the service account that the machine may have.
func noCluster(t *testing.T) {
	t.Helper()
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
}

func write(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

// apiserver answers below its proxy paths, and elsewhere with a Status, like the real
// one.
func apiserver(t *testing.T, paths ...string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(apiserverHandler(paths...))
	t.Cleanup(server.Close)
	return server
}

func apiserverHandler(paths ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, path := range paths {
			if strings.HasPrefix(r.URL.Path, path+"/api/v1/model/") {
				io.WriteString(w, "[]")
				return
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"kind":"Status","status":"Failure","message":"the server could not find the requested resource","reason":"NotFound","code":404}`)
	})
}

func TestProxyPath(t *testing.T) {
	noCluster(t)
	server := apiserver(t)
	for _, test := range []struct {
		opts kube.Options
		want string
	}{
		{kube.Options{ProxyPath: kube.Modern}, modern},
		{kube.Options{ProxyPath: kube.Legacy}, legacy},
		{kube.Options{ProxyPath: kube.Modern, Namespace: "monitoring", Service: "heap", Scheme: "https", Port: "web"},
			"/api/v1/namespaces/monitoring/services/https:heap:web/proxy"},
		{kube.Options{ProxyPath: kube.Modern, Port: "80"}, "/api/v1/namespaces/kube-system/services/http:heapster:80/proxy"},
		{kube.Options{ProxyPath: kube.Legacy, Port: "80"}, "/api/v1/proxy/namespaces/kube-system/services/http:heapster:80"},
		{kube.Options{ProxyPath: kube.Legacy, Scheme: "https"}, "/api/v1/proxy/namespaces/kube-system/services/https:heapster:"},
	} {
		for prefix, address := range map[string]string{
			"":          server.URL + "/",
			"/k8s/c-1a": server.URL + "/k8s/c-1a",
		} {
			test.opts.Server = address
			conn, err := kube.Connect(t.Context(), test.opts)
			if err != nil || conn.Heapster.String() != server.URL+prefix+test.want {
				t.Errorf("%+v: got %v, %v; want %s", test.opts, conn.Heapster, err, prefix+test.want)
			}
		}
	}
	conn, err := kube.Connect(t.Context(), kube.Options{Server: "127.0.0.1:8080", ProxyPath: kube.Modern})
	if err != nil || conn.Heapster.String() != "http://127.0.0.1:8080"+modern {
		t.Errorf("without a scheme: %v, %v", conn.Heapster, err)
	}
}

func TestAuto(t *testing.T) {
	noCluster(t)
	for _, test := range []struct {
		paths []string
		want  string
	}{
		{[]string{modern}, modern},
		{[]string{modern, legacy}, modern},
		{[]string{legacy}, legacy},
	} {
		server := apiserver(t, test.paths...)
		conn, err := kube.Connect(t.Context(), kube.Options{Server: server.URL})
		if err != nil || conn.Heapster.String() != server.URL+test.want {
			t.Errorf("%q: got %v, %v; want %s", test.paths, conn.Heapster, err, test.want)
			continue
		}
		client, err := heapster.New(conn.HTTP, conn.Heapster, heapster.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.List(t.Context(), schema.Node, schema.ClusterEntity()); err != nil {
			t.Error(err)
		}
	}

	_, err := kube.Connect(t.Context(), kube.Options{Server: apiserver(t).URL})
	var answered *failure.StatusError
	if !errors.As(err, &answered) || !errors.Is(err, schema.ErrNotFound) || !strings.Contains(answered.URL, modern) {
		t.Errorf("neither path: %v", err)
	}
}

// The answer at the modern path may be something else than an apiserver's refusal.
func TestAutoTriesLegacy(t *testing.T) {
	noCluster(t)
	for name, answer := range map[string]func(http.ResponseWriter){
		"web page with 200": func(w http.ResponseWriter) { io.WriteString(w, "<!DOCTYPE html><html>Welcome") },
		"other JSON":        func(w http.ResponseWriter) { io.WriteString(w, `{"paths":["/api"]}`) },
		"nothing":           func(w http.ResponseWriter) {},
		"404 without body": func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(http.StatusNotFound)
		},
		"redirect": func(w http.ResponseWriter) {
			w.Header().Set("Location", "/login")
			w.WriteHeader(http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, legacy) {
					io.WriteString(w, "[]")
					return
				}
				answer(w)
			}))
			defer server.Close()
			conn, err := kube.Connect(t.Context(), kube.Options{Server: server.URL})
			if err != nil || conn.Heapster.String() != server.URL+legacy {
				t.Errorf("got %v, %v; want %s", conn.Heapster, err, legacy)
			}
		})
	}
	// If neither answer is Heapster's, the modern path's error is returned.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>") }))
	defer server.Close()
	_, err := kube.Connect(t.Context(), kube.Options{Server: server.URL})
	var page *failure.ProtocolError
	if !errors.As(err, &page) || !strings.Contains(page.URL, modern) || !strings.Contains(page.Hint(), "kubeconfig or --server the apiserver's") {
		t.Errorf("pages everywhere: %v", err)
	}
}

func TestAutoAsksAnUnreachableServerOnce(t *testing.T) {
	noCluster(t)
	server := apiserver(t)
	server.Close()
	_, err := kube.Connect(t.Context(), kube.Options{Server: server.URL})
	var unreachable *failure.TransportError
	if !errors.As(err, &unreachable) || !strings.Contains(unreachable.URL, modern) {
		t.Errorf("got %v", err)
	}
}

// The options set how long to wait for a slow server.
func TestAutoHasTheTimeout(t *testing.T) {
	noCluster(t)
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		<-r.Context().Done()
	}))
	defer server.Close()
	_, err := kube.Connect(t.Context(), kube.Options{Server: server.URL, Timeout: 100 * time.Millisecond, Tries: 1})
	if err == nil || !strings.Contains(err.Error(), "no whole answer within 100ms") || asked.Load() != 1 {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
}

// To a kubectl proxy, which speaks plain HTTP, more than client-go's two connections are
// kept, and no credentials are sent.
func TestPlainServer(t *testing.T) {
	const atOnce = 6
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("sent a token in the clear")
		}
		io.WriteString(w, "[]")
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	t.Setenv("KUBECONFIG", kubeconfig(t, "https://other.example", "", "token: secret"))

	conn, err := kube.Connect(t.Context(), kube.Options{Server: server.URL, Concurrency: atOnce})
	if err != nil {
		t.Fatal(err)
	}
	client, err := heapster.New(conn.HTTP, conn.Heapster, heapster.Options{Concurrency: atOnce})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for range 50 {
				if _, err := client.List(t.Context(), schema.Node, schema.ClusterEntity()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := connections.Load(); got > 3*atOnce {
		t.Errorf("%d connections for %d requests at once", got, atOnce)
	}
}

func TestConfigErrors(t *testing.T) {
	noCluster(t)
	odd := kubeconfig(t, "https://other.example", "", "token: secret")
	for name, test := range map[string]struct {
		opts          kube.Options
		message, hint string
	}{
		"nothing":      {kube.Options{}, "no way to Heapster is configured", "--heapster-url"},
		"no file":      {kube.Options{Kubeconfig: "/no/such/file"}, "no such file", "--kubeconfig"},
		"not a config": {kube.Options{Kubeconfig: write(t, "a\nb: [")}, "error loading config file", "is not a kubeconfig"},
		"no context":   {kube.Options{Kubeconfig: odd, Context: "x"}, `context "x" does not exist`, "--context"},
		"no CA": {kube.Options{Kubeconfig: kubeconfig(t, "https://h", "certificate-authority: /no/such/file", "{}")},
			"/no/such/file", "copy it"},
		"namespace": {kube.Options{Kubeconfig: odd, Namespace: "a/b"}, `"a/b" cannot be the name`, ""},
		"service":   {kube.Options{Kubeconfig: odd, Service: "http:heapster:"}, `"http:heapster:" cannot be the name`, ""},
		"port":      {kube.Options{Kubeconfig: odd, Port: ".."}, `".." cannot be the name`, ""},
		"scheme":    {kube.Options{Kubeconfig: odd, Scheme: "ftp"}, `scheme "ftp"`, ""},
		"path":      {kube.Options{Kubeconfig: odd, ProxyPath: "new"}, `proxy path "new" is none of modern, legacy, auto`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := kube.Connect(t.Context(), test.opts)
			var config *kube.ConfigError
			if !errors.As(err, &config) {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), test.message) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q; want a line with %q", err, test.message)
			}
			if !strings.Contains(config.Hint(), test.hint) {
				t.Errorf("hint %q; want %q", config.Hint(), test.hint)
			}
		})
	}
}

// kubeconfig writes a kubeconfig with these lines for its cluster and its user.
func kubeconfig(t *testing.T, server, cluster, user string) string {
	t.Helper()
	return write(t, fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}]
clusters:
- name: c
  cluster:
    server: %s
    %s
users:
- name: u
  user:
    %s
`, server, cluster, user))
}

// get connects and asks for the nodes.
func get(t *testing.T, opts kube.Options) error {
	t.Helper()
	conn, err := kube.Connect(t.Context(), opts)
	if err != nil {
		return err
	}
	client, err := heapster.New(conn.HTTP, conn.Heapster, heapster.Options{Tries: 1})
	if err != nil {
		return err
	}
	_, err = client.List(t.Context(), schema.Node, schema.ClusterEntity())
	return err
}
