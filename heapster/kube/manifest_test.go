package kube_test

import (
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"

	"heapstash/heapster/failure"
	"heapstash/heapster/kube"
)

// rbacList has the fields of a Role and a RoleBinding that matter.
type rbacList struct {
	Kind  string
	Items []struct {
		Kind     string
		Metadata struct{ Name, Namespace string }
		Rules    []struct{ APIGroups, Resources, Verbs, ResourceNames []string }
		RoleRef  struct{ APIGroup, Kind, Name string }
		Subjects []struct{ APIGroup, Kind, Name, Namespace string }
	}
}

func TestManifest(t *testing.T) {
	for user, want := range map[string]struct{ APIGroup, Kind, Name, Namespace string }{
		"system:serviceaccount:monitoring:heapstash": {Kind: "ServiceAccount", Name: "heapstash", Namespace: "monitoring"},
		`ann "a"`: {APIGroup: "rbac.authorization.k8s.io", Kind: "User", Name: `ann "a"`},
		"":        {APIGroup: "rbac.authorization.k8s.io", Kind: "User", Name: "NAME-OF-THE-USER"},
	} {
		text := kube.Manifest(failure.Rule{
			Namespace: "kube-system", Resource: "services/proxy", Verb: "get", Name: "http:heapster:", User: user,
		})
		// The indented form of a terminal has to mean the same.
		text = "    " + strings.ReplaceAll(text, "\n", "\n    ")
		var list rbacList
		if err := yaml.Unmarshal([]byte(text), &list); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if list.Kind != "List" || len(list.Items) != 2 || list.Items[0].Kind != "Role" || list.Items[1].Kind != "RoleBinding" {
			t.Fatalf("got %+v", list)
		}
		role, binding := list.Items[0], list.Items[1]
		rule := struct{ APIGroups, Resources, Verbs, ResourceNames []string }{
			[]string{""}, []string{"services/proxy"}, []string{"get"}, []string{"http:heapster:"},
		}
		if len(role.Rules) != 1 || !reflect.DeepEqual(role.Rules[0], rule) {
			t.Errorf("got the rules %+v", role.Rules)
		}
		if role.Metadata != binding.Metadata || role.Metadata.Namespace != "kube-system" || binding.RoleRef.Name != role.Metadata.Name {
			t.Errorf("got the names %+v, %+v, %+v", role.Metadata, binding.Metadata, binding.RoleRef)
		}
		if len(binding.Subjects) != 1 || binding.Subjects[0] != want {
			t.Errorf("user %q: got %+v, want %+v", user, binding.Subjects, want)
		}
	}
}

func TestWay(t *testing.T) {
	noCluster(t)
	if got := (kube.Options{}).Way(); got != "none" {
		t.Errorf("without any: %q", got)
	}
	if got, want := (kube.Options{Server: "http://127.0.0.1:8080"}).Way(), "server http://127.0.0.1:8080"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	file := write(t, `{"current-context": "a", "clusters": [{"name": "c", "cluster": {"server": "https://c"}}],
		"contexts": [{"name": "a", "context": {"cluster": "c"}}, {"name": "b", "context": {"cluster": "c"}}]}`)
	if got, want := (kube.Options{Kubeconfig: file}).Way(), "context a of "+file; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := (kube.Options{Kubeconfig: file, Context: "b"}).Way(), "context b of "+file; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := (kube.Options{Kubeconfig: file + "x"}).Way(), "kubeconfig "+file+"x"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
	if got, want := (kube.Options{}).Way(), "the pod's service account"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
