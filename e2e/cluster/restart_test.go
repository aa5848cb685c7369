package cluster

import (
	"io"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
)

// disturbance has an archive of one pass, whose second pass the apiserver's end
// disturbs, and an archive of undisturbed passes.
type disturbance struct {
	relay                *relay
	archive, undisturbed string
	kubeconfig           string
	before               []string
	part                 int64 // of the relay's bytes, when most of the second pass has come
}

// prepare makes the first pass, and the second into a copy, to count its bytes. More
// than half of them are for containers, which come last.
func prepare(t *testing.T) *disturbance {
	t.Helper()
	sim := heapsim.NewCluster(heapsim.ClusterOptions{Seed: 2, Nodes: 2, Namespaces: 3, Pods: 12})
	feed(t, sim, 40*time.Second)
	dir := t.TempDir()
	d := &disturbance{
		relay:       startRelay(t, strings.TrimPrefix(cluster.Server, "https://")),
		archive:     filepath.Join(dir, "a.db"),
		undisturbed: filepath.Join(dir, "undisturbed.db"),
		kubeconfig:  filepath.Join(dir, "kubeconfig"),
	}
	if err := cluster.WriteKubeconfig(d.kubeconfig, "https://"+d.relay.address, clientcmdapi.AuthInfo{Token: token(t)}); err != nil {
		t.Fatal(err)
	}
	d.collect(t, d.archive).Want(t, 0)
	d.collectDirectly(t)
	d.before = cells(t, d.archive)
	feed(t, sim, 5*time.Second)

	rehearsal := filepath.Join(dir, "rehearsal.db")
	heapstash(t, nil, "snapshot", "--db-file", d.archive, rehearsal).Want(t, 0)
	passed := d.relay.passed.Load()
	d.collect(t, rehearsal).Want(t, 0)
	d.part = (d.relay.passed.Load() - passed) * 3 / 4
	return d
}

func (d *disturbance) collect(t *testing.T, archive string) rig.Outcome {
	t.Helper()
	return heapstash(t, nil, "collect", "--log-format", "text", "--log-level", "error", "--db-file", archive, "--kubeconfig", d.kubeconfig)
}

func (d *disturbance) collectDirectly(t *testing.T) {
	t.Helper()
	heapstash(t, nil, "collect", "--db-file", d.undisturbed, "--heapster-url", cluster.Heapster.URL).Want(t, 0)
}

// ledger returns the outcomes of the passes, and the causes of the last pass's holes.
func (d *disturbance) ledger(t *testing.T) (outcomes, causes string) {
	t.Helper()
	return rig.SQL(t, d.archive, "SELECT group_concat(outcome) FROM (SELECT outcome FROM passes ORDER BY id)"),
		rig.SQL(t, d.archive, "SELECT group_concat(DISTINCT cause) FROM holes WHERE NOT lasting")
}

// continues makes the pass after the disturbed one. It must bring the missing samples.
func (d *disturbance) continues(t *testing.T) {
	t.Helper()
	if d.relay.then.Load() != nil {
		t.Fatal("the pass ended before the apiserver did")
	}
	kept(t, d.archive, d.before)
	if n := len(samples(cells(t, d.archive))) - len(samples(slices.Clone(d.before))); n <= 0 {
		t.Error("the disturbed pass kept nothing of what it had")
	}
	d.collect(t, d.archive).Want(t, 0)
	d.collectDirectly(t)
	if got, want := samples(cells(t, d.archive)), samples(cells(t, d.undisturbed)); !slices.Equal(got, want) {
		t.Errorf("%d samples, which are not the %d that there are", len(got), len(want))
	}
}

// TestAPIServerEndsDuringAPass kills the apiserver when a pass has read most of its
// answers. The apiserver is back after the end of that pass.
func TestAPIServerEndsDuringAPass(t *testing.T) {
	defer restartHeapster(t)
	d := prepare(t)
	d.relay.at(d.part, func() {
		d.relay.refuse() // as its port does then
		if err := cluster.Kill(); err != nil {
			t.Error(err)
		}
	})
	disturbed := d.collect(t, d.archive).Want(t, 3)
	startAPIServer(t)
	d.relay.listen(t)

	// The number of unreachable scopes is random.
	disturbed.Stderr = regexp.MustCompile(`\d+ unreachable`).ReplaceAllString(disturbed.Stderr, "N unreachable")
	golden(t, "apiserver-ends-during-a-pass", disturbed)
	if outcomes, causes := d.ledger(t); outcomes != "complete,partial" || causes != "unreachable" {
		t.Errorf("the ledger says %s, because of %s", outcomes, causes)
	}
	d.continues(t)
}

// TestAPIServerRestartsDuringAPass kills the apiserver in the same way and restarts it
// at once. The pass may be complete or partial, and must say which. (For a moment after
// its start, an apiserver refuses allowed requests, because it has not read the Roles.)
func TestAPIServerRestartsDuringAPass(t *testing.T) {
	defer restartHeapster(t)
	d := prepare(t)
	var restarted sync.WaitGroup
	d.relay.at(d.part, func() {
		restarted.Go(func() {
			if err := cluster.Kill(); err != nil {
				t.Error(err)
			}
			if err := cluster.Start(t.Context()); err != nil {
				t.Error(err)
			}
		})
	})
	disturbed := d.collect(t, d.archive)
	restarted.Wait()

	outcomes, causes := d.ledger(t)
	whole := disturbed.Code == 0 && outcomes == "complete,complete" && causes == "NULL"
	partial := disturbed.Code == 3 && outcomes == "complete,partial" && strings.Contains(disturbed.Stderr, "\nhint: ") &&
		slices.Contains([]string{"unreachable", "refused", "unreachable,refused", "refused,unreachable"}, causes)
	if !whole && !partial {
		t.Errorf("exit code %d, and the ledger says %s, because of %s; stderr:\n%s", disturbed.Code, outcomes, causes, disturbed.Stderr)
	}
	d.continues(t)
}

func samples(cells []string) []string {
	return slices.DeleteFunc(cells, func(row string) bool { return !strings.HasPrefix(row, "samples\t") })
}

// relay forwards connections to a server.
type relay struct {
	address string
	to      string
	passed  atomic.Int64 // bytes from the server
	limit   atomic.Int64
	then    atomic.Pointer[func()] // called once, at the limit

	listener net.Listener
}

// at calls the function once, after a number of further bytes.
func (r *relay) at(bytes int64, f func()) {
	r.limit.Store(r.passed.Load() + bytes)
	r.then.Store(&f)
}

func startRelay(t *testing.T, to string) *relay {
	t.Helper()
	r := &relay{address: "127.0.0.1:0", to: to}
	r.listen(t)
	t.Cleanup(r.refuse)
	return r
}

// listen accepts connections, at the same address as before.
func (r *relay) listen(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	r.listener, r.address = listener, listener.Addr().String()
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go r.serve(client)
		}
	}()
}

// refuse stops accepting connections. Existing connections stay.
func (r *relay) refuse() { r.listener.Close() }

func (r *relay) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", r.to)
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
