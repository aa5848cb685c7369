package cluster

//lint:file-ignore SA1019 The apiserver's proxy follows Endpoints, and no EndpointSlice.

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"heapstash/e2e/rig"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// fault is a fault of the cluster between two passes.
type fault struct {
	name string
	// way returns the arguments of the passes.
	way func(t *testing.T) []string
	// harm breaks something. It returns other arguments if those are the fault. repair
	// undoes it.
	harm   func(t *testing.T) []string
	repair func(t *testing.T)
	// follow returns the arguments of the last pass if the message's hint is about
	// arguments. Then repair runs after that pass.
	follow func(t *testing.T) []string
	code   int // exit code of the pass with the fault
	after  int // exit code of the last pass
}

// TestFaults makes a pass, breaks something, and makes a pass that must name the cause
// and the repair (testdata/faults has the messages). It follows the hint and makes a
// last pass. No sample from before or from meanwhile may be missing in the end.
func TestFaults(t *testing.T) {
	admin := func(*testing.T) []string { return []string{"--kubeconfig", cluster.AdminConf} }
	tokenFile := filepath.Join(t.TempDir(), "token")
	writeToken := func(t *testing.T, text string) {
		if err := os.WriteFile(tokenFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	account := func(t *testing.T) []string {
		writeToken(t, token(t))
		return []string{"--kubeconfig", kubeconfig(t, clientcmdapi.AuthInfo{TokenFile: tokenFile})}
	}
	patchRole := func(t *testing.T, names string) {
		t.Helper()
		patch := `[{"op": "replace", "path": "/rules/0/resourceNames", "value": ` + names + `}]`
		if _, err := cluster.Admin.RbacV1().Roles("kube-system").Patch(t.Context(), "heapstash", types.JSONPatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		allowed := strings.Contains(names, `"http:heapster:"`)
		eventually(t, "RBAC follows the Role", func() bool {
			out, _ := cluster.Kubectl(t.Context(), "get", "--raw", "/api/v1/namespaces/kube-system/services/http:heapster:/proxy/healthz",
				"--as=system:serviceaccount:heapstash:heapstash")
			return strings.Contains(out, "orbidden") != allowed
		})
	}
	secure := []string{"--heapster-namespace", "monitoring", "--heapster-service", "metrics", "--heapster-port", "secure"}
	var endpoints *corev1.Endpoints
	faults := []fault{
		{
			name: "role without the spelling", way: account, code: 1,
			harm: func(t *testing.T) []string {
				patchRole(t, `["heapster", "heapster:80", "http:heapster:80"]`)
				return nil
			},
			repair: func(t *testing.T) { patchRole(t, `["http:heapster:"]`) },
		},
		{
			name: "expired token", way: account, code: 1,
			harm: func(t *testing.T) []string {
				expired, err := cluster.ExpiredToken(t.Context(), "heapstash", "heapstash")
				if err != nil {
					t.Fatal(err)
				}
				writeToken(t, expired)
				return nil
			},
			repair: func(t *testing.T) { writeToken(t, token(t)) },
		},
		{
			name: "no endpoints", way: admin, code: 1,
			harm: func(t *testing.T) []string {
				var err error
				api := cluster.Admin.CoreV1().Endpoints("kube-system")
				if endpoints, err = api.Get(t.Context(), "heapster", get); err != nil {
					t.Fatal(err)
				}
				none := endpoints.DeepCopy()
				none.Subsets = nil
				if _, err := api.Update(t.Context(), none, metav1.UpdateOptions{}); err != nil {
					t.Fatal(err)
				}
				return nil
			},
			repair: func(t *testing.T) {
				endpoints.ResourceVersion = "" // whatever it is by now
				if _, err := cluster.Admin.CoreV1().Endpoints("kube-system").Update(t.Context(), endpoints, metav1.UpdateOptions{}); err != nil {
					t.Fatal(err)
				}
			},
		},
		{
			name: "service renamed", way: admin, code: 1,
			harm: func(t *testing.T) []string {
				if err := cluster.Admin.CoreV1().Services("kube-system").Delete(t.Context(), "heapster", del); err != nil {
					t.Fatal(err)
				}
				if err := cluster.Expose(t.Context(), "kube-system", "heapster-v1", rig.Port("", 80)); err != nil {
					t.Fatal(err)
				}
				return nil
			},
			follow: func(t *testing.T) []string { return append(admin(t), "--heapster-service", "heapster-v1") },
			repair: func(t *testing.T) {
				if err := cluster.Admin.CoreV1().Services("kube-system").Delete(t.Context(), "heapster-v1", del); err != nil {
					t.Fatal(err)
				}
				if err := cluster.Expose(t.Context(), "kube-system", "heapster", rig.Port("", 80)); err != nil {
					t.Fatal(err)
				}
			},
		},
		{
			name: "wrong port", way: admin, code: 1,
			harm:   func(t *testing.T) []string { return append(admin(t), "--heapster-port", "81") },
			follow: func(t *testing.T) []string { return append(admin(t), "--heapster-port", "80") },
		},
		{
			name: "TLS where there is none", way: admin, code: 1,
			harm:   func(t *testing.T) []string { return append(admin(t), "--heapster-scheme", "https") },
			follow: func(t *testing.T) []string { return append(admin(t), "--heapster-scheme", "http") },
		},
		{
			name: "no TLS where there is", way: admin, code: 1,
			harm:   func(t *testing.T) []string { return append(admin(t), secure...) },
			follow: func(t *testing.T) []string { return append(append(admin(t), secure...), "--heapster-scheme", "https") },
		},
		{name: "apiserver down", way: admin, code: 1, harm: killAPIServer, repair: startAPIServer},
		{
			name: "apiserver down behind kubectl proxy", code: 1, harm: killAPIServer, repair: startAPIServer,
			way: func(t *testing.T) []string { return []string{"--server", startProxy(t, "", cluster.AdminConf)} },
		},
		{
			name: "heapster down", way: admin, code: 1,
			harm: func(t *testing.T) []string {
				if err := cluster.StopHeapster(); err != nil {
					t.Fatal(err)
				}
				return nil
			},
			repair: func(t *testing.T) {
				if err := cluster.StartHeapster(); err != nil {
					t.Fatal(err)
				}
			},
		},
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) { f.run(t) })
	}
}

func killAPIServer(t *testing.T) []string {
	if err := cluster.Kill(); err != nil {
		t.Fatal(err)
	}
	return nil
}

func startAPIServer(t *testing.T) {
	if err := cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (f fault) run(t *testing.T) {
	defer restartHeapster(t)
	sim := newCluster()
	feed(t, sim, 40*time.Second)
	archive := filepath.Join(t.TempDir(), "a.db")
	way := f.way(t)
	collect := func(way []string) rig.Outcome {
		return heapstash(t, nil, append([]string{"collect", "--db-file", archive, "--log-format", "text"}, way...)...)
	}
	collect(way).Want(t, 0)
	before := cells(t, archive)

	broken := f.harm(t)
	repaired := false
	repair := func() {
		if f.repair != nil && !repaired {
			f.repair(t)
		}
		repaired = true
	}
	defer repair()
	if broken == nil {
		broken = way
	}
	golden(t, strings.ReplaceAll(f.name, " ", "-"), collect(broken).Want(t, f.code))
	kept(t, archive, before)
	if got := rig.SQL(t, archive, "SELECT group_concat(outcome) FROM (SELECT outcome FROM passes ORDER BY id)"); got != "complete,failed" {
		t.Errorf("the ledger says %s", got)
	}

	last := way
	if f.follow != nil {
		last = f.follow(t)
	} else {
		repair()
	}
	feed(t, sim, 5*time.Second)
	collect(last).Want(t, f.after)
	kept(t, archive, before)
	if n := rig.SQL(t, archive, "SELECT count(DISTINCT ts) FROM pod"); n != "2" {
		t.Errorf("after the repair the archive has %s batches of pods, want 2", n)
	}
}

// kept ends the test if the archive has lost samples.
func kept(t *testing.T, archive string, before []string) {
	t.Helper()
	now := cells(t, archive)
	for _, row := range before {
		if _, found := slices.BinarySearch(now, row); strings.HasPrefix(row, "samples\t") && !found {
			t.Fatal("the archive has lost ", row)
		}
	}
}

// golden compares a command's messages with a file. Addresses, which differ from run to
// run, have names there.
func golden(t *testing.T, name string, o rig.Outcome) {
	t.Helper()
	text := fmt.Sprintf("exit code %d\n%s", o.Code, o.Stderr)
	text = strings.ReplaceAll(text, cluster.Network.Wires[0].Inside, "HEAPSTER")
	text = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(text, "SERVER")
	text = regexp.MustCompile(`time=\S+ `).ReplaceAllString(text, "")
	path := filepath.Join("testdata", "faults", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, []byte(text)) {
		t.Errorf("it says\n%s\nwant\n%s", text, want)
	}
}
