package kube_test

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"

	"heapstash/heapster/kube"
)

// rbacObject has all fields that the manifests may have.
type rbacObject struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Rules    []rbacRule    `json:"rules"`
	RoleRef  rbacRef       `json:"roleRef"`
	Subjects []rbacSubject `json:"subjects"`
}

type rbacRule struct {
	APIGroups     []string `json:"apiGroups"`
	Resources     []string `json:"resources"`
	ResourceNames []string `json:"resourceNames"`
	Verbs         []string `json:"verbs"`
}

type rbacRef struct {
	APIGroup string `json:"apiGroup"`
	Kind     string `json:"kind"`
	Name     string `json:"name"`
}

type rbacSubject struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// TestManifestsGrantNoMore: the manifests grant what heapstash asks for and no more.
func TestManifestsGrantNoMore(t *testing.T) {
	noCluster(t)
	conn, err := kube.Connect(t.Context(), kube.Options{Server: "http://127.0.0.1:1", ProxyPath: kube.Modern})
	if err != nil {
		t.Fatal(err)
	}
	_, service, _ := strings.Cut(conn.Heapster.Path, "/services/")
	service = strings.TrimSuffix(service, "/proxy")

	for _, test := range []struct {
		file, role, binding, namespace string
		rules                          []rbacRule
	}{
		{"base/rbac.yaml", "Role", "RoleBinding", "kube-system", []rbacRule{
			{[]string{""}, []string{"services/proxy"}, []string{service}, []string{"get"}},
		}},
		{"components/enrich/rbac.yaml", "ClusterRole", "ClusterRoleBinding", "", []rbacRule{
			{[]string{""}, []string{"pods", "namespaces"}, nil, []string{"list"}},
			{[]string{"apps", "extensions"}, []string{"replicasets"}, nil, []string{"list"}},
			{[]string{"batch"}, []string{"jobs"}, nil, []string{"list"}},
		}},
	} {
		t.Run(test.file, func(t *testing.T) {
			text, err := os.ReadFile("../../deploy/kubernetes/" + test.file)
			if err != nil {
				t.Fatal(err)
			}
			documents := bytes.Split(text, []byte("\n---\n"))
			if len(documents) != 2 {
				t.Fatalf("%d documents", len(documents))
			}
			var role, binding rbacObject
			for i, into := range []*rbacObject{&role, &binding} {
				if err := yaml.UnmarshalStrict(documents[i], into); err != nil {
					t.Fatal(err)
				}
				if into.APIVersion != "rbac.authorization.k8s.io/v1" || into.Metadata.Namespace != test.namespace {
					t.Errorf("%s %s is in namespace %q", into.APIVersion, into.Kind, into.Metadata.Namespace)
				}
			}
			if role.Kind != test.role || binding.Kind != test.binding {
				t.Errorf("a %s and a %s", role.Kind, binding.Kind)
			}
			if !reflect.DeepEqual(role.Rules, test.rules) || role.Subjects != nil || binding.Rules != nil {
				t.Errorf("rules: %+v", role.Rules)
			}
			if want := (rbacRef{"rbac.authorization.k8s.io", role.Kind, role.Metadata.Name}); binding.RoleRef != want {
				t.Errorf("binds %+v, not %+v", binding.RoleRef, want)
			}
			if want := []rbacSubject{{"ServiceAccount", "heapstash", "heapstash"}}; !reflect.DeepEqual(binding.Subjects, want) {
				t.Errorf("binds it to %+v", binding.Subjects)
			}
		})
	}
}
