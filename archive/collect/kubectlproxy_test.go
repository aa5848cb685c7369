package collect_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/heapster/heapsim"
	"heapstash/internal/need"
	"heapstash/schema"
)

// TestKubectlProxy asks through a real kubectl proxy, with its own filter and
// with the filter of Kubernetes 1.2. All pods are read whatever their names
// are. The holes are exactly the containers that the filter refuses.
func TestKubectlProxy(t *testing.T) {
	const path = "/api/v1/namespaces/kube-system/services/http:heapster:/proxy"
	kubectl := need.Program(t, "kubectl")
	for passed, flags := range map[string][]string{
		"main\nrunner": nil,
		"main":         {"--reject-paths=^/api/.*/exec,^/api/.*/run"},
	} {
		t.Run(passed, func(t *testing.T) {
			w := newWorld(t, heapsim.Options{})
			apiserver := httptest.NewServer(http.StripPrefix(path, w.sim))
			defer apiserver.Close()
			w.url = startKubectlProxy(t, kubectl, append(flags, "--server", apiserver.URL)).JoinPath(path)

			sets := small(0, "exec-1", "run-1", "web-1")
			for _, container := range []string{"executor", "main", "runner"} {
				sets = append(sets, set(schema.ContainerEntity("shop", "web-1", container), map[schema.MetricName]int64{"cpu/limit": 1, "restart_count": 1}))
			}
			w.feed(0, sets...)
			s, err := w.try(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w.want("SELECT count(*) FROM samples WHERE kind = 'pod'", "6")
			w.want("SELECT DISTINCT container FROM samples WHERE metric = 'restart_count' ORDER BY 1", passed)
			for _, h := range s.Holes {
				if h.Cause != archive.CauseRefused || !strings.Contains(h.Hint, "--reject-paths=") || strings.Contains(h.Hint, "localhost") {
					t.Errorf("a hole that is not the filter's: %+v", h)
				}
			}
			if len(s.Holes) == 0 {
				t.Error("no hole")
			}
		})
	}
}

// startKubectlProxy ends it with the test.
func startKubectlProxy(t *testing.T, kubectl string, flags []string) *url.URL {
	t.Helper()
	cmd := exec.Command(kubectl, append([]string{"proxy", "--port=0"}, flags...)...)
	cmd.Env = append(cmd.Environ(), "KUBECONFIG=/dev/null")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	_, address, found := strings.Cut(strings.TrimSpace(line), "Starting to serve on ")
	if err != nil || !found {
		t.Fatalf("kubectl proxy says %q, %v", line, err)
	}
	return &url.URL{Scheme: "http", Host: address}
}
