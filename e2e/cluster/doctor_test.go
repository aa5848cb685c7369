package cluster

import (
	"encoding/json"
	"heapstash/e2e/rig"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// TestDoctorsRole: doctor prints a Role for an account without permissions. After
// kubectl has applied it, doctor finds nothing.
func TestDoctorsRole(t *testing.T) {
	defer restartHeapster(t)
	feed(t, newCluster(), 65*time.Second, 5*time.Second)
	if _, err := cluster.Kubectl(t.Context(), "create", "serviceaccount", "newcomer", "--namespace", "monitoring"); err != nil {
		t.Fatal(err)
	}
	text, err := cluster.Token(t.Context(), "monitoring", "newcomer")
	if err != nil {
		t.Fatal(err)
	}
	user := kubeconfig(t, clientcmdapi.AuthInfo{Token: text})
	doctor := func() rig.Outcome {
		return heapstash(t, nil, "doctor", "--kubeconfig", user, "--heapster-namespace", "monitoring", "--heapster-service", "metrics",
			"--heapster-port", "api", "--db-file", t.TempDir()+"/a.db")
	}
	before := doctor().Want(t, 1)
	manifest := regexp.MustCompile(`(?ms)^ *apiVersion: v1$.*?\n\n`).FindString(before.Stdout + "\n")
	if manifest == "" {
		t.Fatalf("no Role to apply in\n%s", before.Stdout)
	}
	if _, err := cluster.KubectlStdin(t.Context(), manifest, "apply", "-f", "-"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "RBAC follows the Role", func() bool { return !strings.Contains(doctor().Stdout, "forbidden") })
	doctor().Want(t, 0)
}

// TestEnrichment: with the permissions of the manifests' component, a pass archives the
// owners of pods. Without them it succeeds, too.
func TestEnrichment(t *testing.T) {
	defer restartHeapster(t)
	ctx := t.Context()
	if _, err := cluster.Kubectl(ctx, "apply", "--server-side", "-f", manifests+"/components/enrich/rbac.yaml"); err != nil {
		t.Fatal(err)
	}
	// The objects that controllers make for a Deployment.
	replicaSet := apply(t, `{"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web-1", "namespace": "default",
		"ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "4d5e", "controller": true}]},
		"spec": {"selector": {"matchLabels": {"app": "web"}},
		"template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}}}}`)
	pod := apply(t, `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1-x", "namespace": "default", "labels": {"app": "web"},
		"ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "`+replicaSet+`", "controller": true}]},
		"spec": {"containers": [{"name": "c", "image": "web:1"}]}}`)
	feedPods(t, newCluster(), 5*time.Second, fedPod{"default", "web-1-x", pod})

	user := kubeconfig(t, clientcmdapi.AuthInfo{Token: token(t)})
	archive := t.TempDir() + "/a.db"
	enrich := []string{"HEAPSTASH_COLLECT_ENRICH=true"}
	heapstash(t, enrich, "collect", "--kubeconfig", user, "--db-file", archive).Want(t, 0)
	const owners = "SELECT owner_kind, owner, uid FROM pod_identities WHERE namespace = 'default' AND pod = 'web-1-x'"
	if got, want := rig.SQL(t, archive, owners), "Deployment\tweb\t"+pod; got != want {
		t.Errorf("owner: %s, want %s", got, want)
	}
	if got := rig.SQL(t, archive, "SELECT labels FROM namespace_labels WHERE namespace = 'default'"); !strings.Contains(got, "kubernetes.io/metadata.name:default") {
		t.Errorf("labels: %s", got)
	}

	if err := cluster.Admin.RbacV1().ClusterRoleBindings().Delete(ctx, "heapstash-enrich", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	var o rig.Outcome
	eventually(t, "RBAC follows the ClusterRoleBinding", func() bool {
		o = heapstash(t, enrich, "doctor", "--kubeconfig", user, "--db-file", archive)
		return strings.Contains(o.Stdout, "components/enrich")
	})
	o = heapstash(t, enrich, "collect", "--kubeconfig", user, "--db-file", archive, "--json").Want(t, 0)
	if !strings.Contains(o.Stdout, "components/enrich") {
		t.Errorf("it says\n%s", o.Stdout)
	}
	if got, want := rig.SQL(t, archive, owners), "Deployment\tweb\t"+pod; got != want {
		t.Errorf("owner: %s, want %s still", got, want)
	}
}

// apply creates an object and returns its UID.
func apply(t *testing.T, manifest string) string {
	t.Helper()
	out, err := cluster.KubectlStdin(t.Context(), manifest, "apply", "--server-side", "-o", "json", "-f", "-")
	if err != nil {
		t.Fatal(err)
	}
	var object struct{ Metadata metav1.ObjectMeta }
	if err := json.Unmarshal([]byte(out), &object); err != nil {
		t.Fatal(err)
	}
	return string(object.Metadata.UID)
}
