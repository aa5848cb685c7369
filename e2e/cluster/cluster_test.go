// Package cluster tests heapstash against a real Kubernetes: a kube-apiserver
// with its etcd, kubectl proxy, and Heapster v1.5.4 behind a Service. It wants
// root and iproute2, for Heapster has a network namespace of its own.
package cluster

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"heapstash/e2e/oracle"
	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

var (
	programs rig.Programs
	cluster  *rig.Cluster // of all tests, which leave its Heapster empty, and the ways to it open
)

func TestMain(m *testing.M) {
	rig.RunPodInit()
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if able, err := rig.NeedNetwork("all tests on a real Kubernetes"); !able {
		if err != nil {
			fail(err)
		}
		return code
	}
	dir, err := rig.Scratch()
	if err != nil {
		fail(err)
		return code
	}
	defer os.RemoveAll(dir)
	rig.OnInterrupt()
	if programs, err = rig.BuildAll(); err != nil {
		fail(err)
		return code
	}
	home := filepath.Join(dir, "cluster")
	if err := os.Mkdir(home, 0o700); err != nil {
		fail(err)
		return code
	}
	if cluster, err = rig.StartCluster(context.Background(), programs, home); err != nil {
		fail(err)
		return code
	}
	defer func() {
		if err := cluster.Stop(); err != nil {
			fail(err)
		}
	}()
	if err := populate(context.Background()); err != nil {
		fail(err)
		return code
	}
	return m.Run()
}

// populate applies heapstash's manifests, and gives Heapster the Service that
// kubectl top looks for, and one under other names.
func populate(ctx context.Context) error {
	if err := cluster.Expose(ctx, "kube-system", "heapster", rig.Port("", 80)); err != nil {
		return err
	}
	if _, err := cluster.Kubectl(ctx, "create", "namespace", "monitoring"); err != nil {
		return err
	}
	if err := cluster.Expose(ctx, "monitoring", "metrics", rig.Port("api", 8080), rig.Port("other", 8081), rig.PortTLS("secure", 443)); err != nil {
		return err
	}
	// As docs/install.md has it, on a cluster that knows nothing of heapstash; tests
	// apply others by server-side apply, and start the pods.
	_, err := cluster.Kubectl(ctx, "apply", "-k", "../../deploy/kubernetes/overlays/deployment")
	return err
}

// newCluster is a small one, as Heapster sees it.
func newCluster() *heapsim.Cluster {
	return heapsim.NewCluster(heapsim.ClusterOptions{Seed: 1, Nodes: 1, Namespaces: 2, Pods: 4})
}

// feed has Heapster take batches of a generated cluster: of so long ago.
func feed(tb testing.TB, from *heapsim.Cluster, ago ...time.Duration) {
	tb.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	for _, ago := range ago {
		if err := cluster.Heapster.Feed(from.Next(now.Add(-ago))); err != nil {
			tb.Fatal(err)
		}
	}
}

// fedPod is a pod that Heapster is to show.
type fedPod struct{ namespace, name, uid string }

// feedPods has Heapster take a generated batch, of so long ago, with these pods
// beside the others.
func feedPods(t *testing.T, from *heapsim.Cluster, ago time.Duration, pods ...fedPod) {
	t.Helper()
	batch := from.Next(time.Now().UTC().Truncate(time.Second).Add(-ago))
	find := func(wanted func(schema.Entity) bool) *heapsim.Set {
		i := slices.IndexFunc(batch.Sets, func(s heapsim.Set) bool { return wanted(s.Entity) })
		if i < 0 {
			return nil
		}
		return &batch.Sets[i]
	}
	of := func(kind schema.Kind) heapsim.Set { return *find(func(e schema.Entity) bool { return e.Kind == kind }) }
	pod, ns := of(schema.Pod), of(schema.Namespace)
	for _, p := range pods {
		pod.Entity, ns.Entity = schema.PodEntity(p.namespace, p.name), schema.NamespaceEntity(p.namespace)
		pod.Attributes = maps.Clone(pod.Attributes)
		pod.Attributes["pod_id"], pod.Attributes["namespace_id"] = p.uid, "id of "+p.namespace
		if find(func(e schema.Entity) bool { return e == ns.Entity }) == nil {
			batch.Sets = append(batch.Sets, ns)
		}
		batch.Sets = append(batch.Sets, pod)
	}
	if err := cluster.Heapster.Feed(batch); err != nil {
		t.Fatal(err)
	}
}

func restartHeapster(tb testing.TB) {
	tb.Helper()
	if err := cluster.Heapster.Restart(); err != nil {
		tb.Fatal(err)
	}
}

// heapstash runs a command with no settings but these.
func heapstash(t *testing.T, environ []string, arguments ...string) rig.Outcome {
	t.Helper()
	command := exec.CommandContext(t.Context(), programs.Heapstash, arguments...)
	command.Env = append([]string{"HOME=" + t.TempDir()}, environ...)
	return rig.Run(t, command)
}

// kubeconfig writes one for the user.
func kubeconfig(t *testing.T, user clientcmdapi.AuthInfo) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := cluster.WriteKubeconfig(path, cluster.Server, user); err != nil {
		t.Fatal(err)
	}
	return path
}

// token is heapstash's own service account's, which has nothing but the Role
// of the manifests.
func token(t *testing.T) string {
	t.Helper()
	text, err := cluster.Token(t.Context(), "heapstash", "heapstash")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// cells are all rows of the archive's public views, but for the ledger of
// passes, which tells when and by how many requests they were had.
func cells(t *testing.T, archive string) []string {
	t.Helper()
	var script strings.Builder
	for view := range strings.FieldsSeq(rig.SQL(t, archive, "SELECT name FROM sqlite_schema WHERE type = 'view' AND name <> 'passes'")) {
		fmt.Fprintf(&script, "SELECT '%[1]s', * FROM %[1]s;\n", view)
	}
	return oracle.Lines(rig.SQL(t, archive, script.String()))
}

// eventually repeats what the apiserver may need a moment for: what RBAC
// allows reaches its authorizer by a watch.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("not within ten seconds: ", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

var get, del = metav1.GetOptions{}, metav1.DeleteOptions{}
