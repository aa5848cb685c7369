package cluster

import (
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"heapstash/heapster/heapsim"
)

// TestAPIServerRestartsDuringAPass kills the apiserver when a pass has read
// part of what it came for, and starts it again. What that pass did not get,
// the next one must.
func TestAPIServerRestartsDuringAPass(t *testing.T) {
	defer restartHeapster(t)
	sim := heapsim.NewCluster(heapsim.ClusterOptions{Seed: 2, Nodes: 2, Namespaces: 3, Pods: 12})
	feed(t, sim, 40*time.Second)
	relay := startRelay(t, strings.TrimPrefix(cluster.Server, "https://"))
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := cluster.WriteKubeconfig(path, "https://"+relay.address, clientcmdapi.AuthInfo{Token: token(t)}); err != nil {
		t.Fatal(err)
	}
	archive, undisturbed := filepath.Join(t.TempDir(), "a.db"), filepath.Join(t.TempDir(), "undisturbed.db")
	collect := func() outcome {
		return heapstash(t, nil, "collect", "--db-file", archive, "--kubeconfig", path)
	}
	collectDirectly := func() {
		heapstash(t, nil, "collect", "--db-file", undisturbed, "--heapster-url", cluster.Heapster.URL).want(t, 0)
	}
	collect().want(t, 0)
	collectDirectly()
	first := relay.passed.Load()
	before := cells(t, archive)

	feed(t, sim, 5*time.Second)
	var restarted sync.WaitGroup
	relay.at(first+first/4, func() {
		restarted.Go(func() {
			if err := cluster.Kill(); err != nil {
				t.Error(err)
			}
			if err := cluster.Start(t.Context()); err != nil {
				t.Error(err)
			}
		})
	})
	disturbed := collect()
	restarted.Wait()
	if relay.then.Load() != nil {
		t.Fatal("the pass ended before the apiserver did")
	}
	t.Logf("the pass that was disturbed ended with exit code %d", disturbed.code)
	if disturbed.code != 0 && !strings.Contains(disturbed.stderr, "hint: ") {
		t.Errorf("it says\n%s", disturbed.stderr)
	}
	kept(t, archive, before)

	collect().want(t, 0)
	collectDirectly()
	if got, want := samples(cells(t, archive)), samples(cells(t, undisturbed)); !slices.Equal(got, want) {
		t.Errorf("%d samples, which are not the %d that there are", len(got), len(want))
	}
}

func samples(cells []string) []string {
	return slices.DeleteFunc(cells, func(row string) bool { return !strings.HasPrefix(row, "samples\t") })
}

// relay passes connections on to a server.
type relay struct {
	address string
	passed  atomic.Int64 // bytes, of what the server says
	limit   atomic.Int64
	then    atomic.Pointer[func()] // called once, when so many have passed
}

// at has the function called once so many bytes have passed.
func (r *relay) at(bytes int64, f func()) {
	r.limit.Store(bytes)
	r.then.Store(&f)
}

func startRelay(t *testing.T, to string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	r := &relay{address: listener.Addr().String()}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go r.serve(client, to)
		}
	}()
	return r
}

func (r *relay) serve(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return // which the client notices
	}
	defer server.Close()
	go func() {
		io.Copy(server, client)
		server.Close()
	}()
	io.Copy(io.MultiWriter(client, counter{r}), server)
}

type counter struct{ *relay }

func (c counter) Write(p []byte) (int, error) {
	if n := c.passed.Add(int64(len(p))); n >= c.limit.Load() {
		if f := c.then.Swap(nil); f != nil {
			(*f)()
		}
	}
	return len(p), nil
}
