// Package cluster tests heapstash against a real Kubernetes: a kube-apiserver
// with its etcd, kubectl proxy, and Heapster v1.5.4 behind a Service. It needs root and
// iproute2, because Heapster has its own network namespace.
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

// populate applies heapstash's manifests. It gives Heapster the Service that kubectl
// top uses, and a Service with other names.
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
	// As in docs/install.md, on a cluster without heapstash. Tests apply other manifests
	// by server-side apply, and start the pods.
	_, err := cluster.Kubectl(ctx, "apply", "-k", "../../deploy/kubernetes/overlays/deployment")
	return err
}

// newCluster returns a small generated cluster.
func newCluster() *heapsim.Cluster {
	return heapsim.NewCluster(heapsim.ClusterOptions{Seed: 1, Nodes: 1, Namespaces: 2, Pods: 4})
}

// feed gives Heapster batches of a generated cluster, each of some time ago.
func feed(tb testing.TB, from *heapsim.Cluster, ago ...time.Duration) {
	tb.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	for _, ago := range ago {
		if err := cluster.Heapster.Feed(from.Next(now.Add(-ago))); err != nil {
			tb.Fatal(err)
		}
	}
}

// fedPod is a pod for Heapster to show.
type fedPod struct{ namespace, name, uid string }

// feedPods gives Heapster a generated batch of some time ago, with these pods added.
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

// heapstash runs a command of heapstash with these environment variables only.
func heapstash(t *testing.T, environ []string, arguments ...string) rig.Outcome {
	t.Helper()
	command := exec.CommandContext(t.Context(), programs.Heapstash, arguments...)
	command.Env = append([]string{"HOME=" + t.TempDir()}, environ...)
	return rig.Run(t, command)
}

// kubeconfig writes a kubeconfig for the user.
func kubeconfig(t *testing.T, user clientcmdapi.AuthInfo) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := cluster.WriteKubeconfig(path, cluster.Server, user); err != nil {
		t.Fatal(err)
	}
	return path
}

// token returns a token of heapstash's service account, which has only the Role of the
// manifests.
func token(t *testing.T) string {
	t.Helper()
	text, err := cluster.Token(t.Context(), "heapstash", "heapstash")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// cells returns all rows of the archive's public views except passes, which has the
// times and the requests of the passes.
func cells(t *testing.T, archive string) []string {
	t.Helper()
	var script strings.Builder
	for view := range strings.FieldsSeq(rig.SQL(t, archive, "SELECT name FROM sqlite_schema WHERE type = 'view' AND name <> 'passes'")) {
		fmt.Fprintf(&script, "SELECT '%[1]s', * FROM %[1]s;\n", view)
	}
	return oracle.Lines(rig.SQL(t, archive, script.String()))
}

// eventually waits up to ten seconds until done. The apiserver's authorizer gets
// changes of RBAC by a watch, some time later.
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
