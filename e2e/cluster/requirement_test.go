package cluster

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	batchv1beta1 "k8s.io/api/batch/v1beta1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

// kinds are the kinds of every kustomization, without its workload and its volume's
// claim. Only the Namespace is not in a namespace.
var kinds = []string{"v1 ConfigMap", "v1 Namespace", "v1 ServiceAccount",
	"networking.k8s.io/v1 NetworkPolicy", "rbac.authorization.k8s.io/v1 Role", "rbac.authorization.k8s.io/v1 RoleBinding"}

// TestKinds: each kustomization has one object of each kind.
func TestKinds(t *testing.T) {
	for _, o := range overlays {
		var got []string
		for _, object := range rendered(t, o.path) {
			version, kind := object.GetObjectKind().GroupVersionKind().ToAPIVersionAndKind()
			got = append(got, version+" "+kind)
		}
		want := append(slices.Clone(kinds), o.workload)
		if !o.clickhouse {
			want = append(want, "v1 PersistentVolumeClaim")
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s has\n%q, want\n%q", o.path, got, want)
		}
	}
}

// TestEnrichComponent enables the component that the example has in a comment, for each
// workload. It adds a ClusterRole that allows list only, its binding, and an environment
// variable.
func TestEnrichComponent(t *testing.T) {
	for _, o := range overlays[:len(overlays)-1] {
		tree := t.TempDir()
		if err := os.CopyFS(tree, os.DirFS(manifests)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(tree, "example", "kustomization.yaml")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		on := strings.NewReplacer("# components:\n# - ../components/enrich\n", "components:\n- ../components/enrich\n", "../overlays/deployment", "../"+o.path).Replace(string(text))
		if err := os.WriteFile(path, []byte(on), 0o644); err != nil {
			t.Fatal(err)
		}
		all, err := cluster.Kubectl(t.Context(), "kustomize", filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, object := range decoded(t, all) {
			switch object := object.(type) {
			case *rbacv1.ClusterRole:
				for _, rule := range object.Rules {
					got = append(got, fmt.Sprint(rule.Verbs, rule.Resources))
				}
			case *rbacv1.ClusterRoleBinding:
				got = append(got, fmt.Sprint(object.RoleRef.Name, object.Subjects[0].Namespace, object.Subjects[0].Name))
			}
		}
		slices.Sort(got)
		want := []string{"[list] [jobs]", "[list] [pods namespaces]", "[list] [replicasets]", "heapstash-enrichheapstashheapstash"}
		const variable = "- name: HEAPSTASH_COLLECT_ENRICH\n"
		if !slices.Equal(got, want) || strings.Count(all, variable) != 1 || strings.Contains(rendering(t, o.path), variable) {
			t.Errorf("%s: %q, want %q, and one variable, in\n%s", o.path, got, want, all)
		}
	}
}

// requirement is a field that the manifests must have.
type requirement struct {
	what      string
	got, want any
}

func check(t *testing.T, path string, requirements ...requirement) {
	t.Helper()
	for _, r := range requirements {
		if !reflect.DeepEqual(r.got, r.want) {
			t.Errorf("%s: %s is %s, want %s", path, r.what, spelled(r.got), spelled(r.want))
		}
	}
}

// spelled spells a value, or the value of a pointer.
func spelled(v any) string {
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && !p.IsNil() {
		v = p.Elem().Interface()
	}
	return fmt.Sprintf("%+v", v)
}

// TestRequirements: the manifests have the fields that make them safe.
func TestRequirements(t *testing.T) {
	for _, o := range overlays {
		for _, object := range rendered(t, o.path) {
			switch object := object.(type) {
			case *appsv1.Deployment:
				check(t, o.path,
					requirement{"replicas", object.Spec.Replicas, ptr.To(int32(1))},
					requirement{"strategy", object.Spec.Strategy, appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}},
					requirement{"restartPolicy", object.Spec.Template.Spec.RestartPolicy, corev1.RestartPolicy("")}, // Always
					requirement{"args", object.Spec.Template.Spec.Containers[0].Args, []string{"run", "--listen=:9278"}})
			case *batchv1.CronJob:
				checkCronJob(t, o.path, object.Spec)
			case *batchv1beta1.CronJob:
				checkCronJob(t, o.path, current(t, object).Spec)
			case *corev1.PersistentVolumeClaim:
				check(t, o.path,
					requirement{"accessModes", object.Spec.AccessModes, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}},
					requirement{"storage is requested", object.Spec.Resources.Requests.Storage().IsZero(), false})
			case *networkingv1.NetworkPolicy:
				checkNetworkPolicy(t, o, object)
			case *rbacv1.Role:
				check(t, o.path, requirement{"rules", object.Rules, []rbacv1.PolicyRule{{
					APIGroups: []string{""}, Resources: []string{"services/proxy"}, ResourceNames: []string{"http:heapster:"}, Verbs: []string{"get"},
				}}})
			case *rbacv1.RoleBinding:
				check(t, o.path,
					requirement{"roleRef", object.RoleRef, rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "Role", Name: "heapstash"}},
					requirement{"subjects", object.Subjects, []rbacv1.Subject{{Kind: "ServiceAccount", Name: "heapstash", Namespace: "heapstash"}}})
			}
		}
		checkPod(t, o, pods(t, o.path)[0])
	}
}

// current converts a CronJob of batch/v1beta1 to batch/v1, which has the same fields.
func current(t *testing.T, old *batchv1beta1.CronJob) *batchv1.CronJob {
	t.Helper()
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(old)
	if err != nil {
		t.Fatal(err)
	}
	job := &batchv1.CronJob{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, job); err != nil {
		t.Fatal(err)
	}
	return job
}

func checkCronJob(t *testing.T, path string, spec batchv1.CronJobSpec) {
	job := spec.JobTemplate.Spec
	check(t, path,
		requirement{"schedule", spec.Schedule, "* * * * *"},
		requirement{"concurrencyPolicy", spec.ConcurrencyPolicy, batchv1.ForbidConcurrent},
		requirement{"startingDeadlineSeconds", spec.StartingDeadlineSeconds, ptr.To(int64(100))},
		requirement{"activeDeadlineSeconds", job.ActiveDeadlineSeconds, ptr.To(int64(110))},
		requirement{"backoffLimit", job.BackoffLimit, ptr.To(int32(0))},
		requirement{"restartPolicy", job.Template.Spec.RestartPolicy, corev1.RestartPolicyNever},
		requirement{"args", job.Template.Spec.Containers[0].Args, []string{"collect", "--partial-ok"}})
}

func checkNetworkPolicy(t *testing.T, o overlay, policy *networkingv1.NetworkPolicy) {
	wantOut := []string{"TCP 443 0", "TCP 6443 0", "UDP 53 0", "TCP 53 0"}
	if o.clickhouse {
		wantOut = append(wantOut, "TCP 9000 0", "TCP 9440 0")
	}
	var out, in []string
	for _, rule := range policy.Spec.Egress {
		for _, port := range rule.Ports {
			out = append(out, fmt.Sprint(*port.Protocol, " ", port.Port, " ", len(rule.To)))
		}
	}
	for _, rule := range policy.Spec.Ingress {
		for _, port := range rule.Ports {
			in = append(in, fmt.Sprint(*port.Protocol, " ", port.Port))
		}
	}
	var wantIn []string
	template := pods(t, o.path)[0]
	for _, port := range template.Spec.Containers[0].Ports { // the resident's
		wantIn = append(wantIn, fmt.Sprint("TCP ", port.ContainerPort))
	}
	check(t, o.path,
		requirement{"policyTypes", policy.Spec.PolicyTypes, []networkingv1.PolicyType{"Ingress", "Egress"}},
		requirement{"egress", out, wantOut},
		requirement{"ingress", in, wantIn})
	for label, value := range policy.Spec.PodSelector.MatchLabels {
		check(t, o.path, requirement{"the pod's label " + label, template.Labels[label], value})
	}
	check(t, o.path, requirement{"how many labels the policy selects by", len(policy.Spec.PodSelector.MatchLabels), 1})
}

// checkPod checks a pod template. Before Kubernetes 1.19, seccomp was an annotation.
func checkPod(t *testing.T, o overlay, template corev1.PodTemplateSpec) {
	spec, container := template.Spec, template.Spec.Containers[0]
	group, profile := ptr.To(int64(65532)), &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	if !o.restricted {
		group, profile = nil, nil
		check(t, o.path, requirement{"seccomp's annotation", template.Annotations["seccomp.security.alpha.kubernetes.io/pod"], "docker/default"})
	}
	wantVolumes := map[string]corev1.VolumeSource{
		"config": {ConfigMap: &corev1.ConfigMapVolumeSource{}},
		"tmp":    {EmptyDir: &corev1.EmptyDirVolumeSource{}},
	}
	wantMounts := map[string]corev1.VolumeMount{
		"config": {Name: "config", MountPath: "/etc/heapstash", ReadOnly: true},
		"tmp":    {Name: "tmp", MountPath: "/tmp"},
	}
	if o.clickhouse {
		// Its group may read the password, and the pod's fsGroup is that group.
		wantVolumes["archive"] = corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "heapstash-archive", DefaultMode: ptr.To(int32(0o440))}}
		wantMounts["archive"] = corev1.VolumeMount{Name: "archive", MountPath: "/etc/heapstash-archive", ReadOnly: true}
	} else {
		wantVolumes["data"] = corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "heapstash"}}
		wantMounts["data"] = corev1.VolumeMount{Name: "data", MountPath: "/var/lib/heapstash"}
	}
	volumes := make(map[string]corev1.VolumeSource)
	for _, v := range spec.Volumes {
		if v.ConfigMap != nil {
			v.ConfigMap.Name = "" // it has a hash
		}
		volumes[v.Name] = v.VolumeSource
	}
	mounts := make(map[string]corev1.VolumeMount)
	for _, m := range container.VolumeMounts {
		mounts[m.Name] = m
	}
	check(t, o.path,
		requirement{"how many containers", len(spec.Containers) + len(spec.InitContainers), 1},
		requirement{"the account", spec.ServiceAccountName, "heapstash"},
		requirement{"the pod's security", spec.SecurityContext, &corev1.PodSecurityContext{
			RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To(int64(65532)), RunAsGroup: group, FSGroup: ptr.To(int64(65532)), SeccompProfile: profile,
		}},
		requirement{"the container's security", container.SecurityContext, &corev1.SecurityContext{
			AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}},
		requirement{"memory's limit", container.Resources.Limits.Memory().String(), "1Gi"},
		requirement{"what is limited", slices.Collect(maps.Keys(container.Resources.Limits)), []corev1.ResourceName{"memory"}},
		requirement{"memory's request", container.Resources.Requests.Memory().Cmp(resource.Quantity{}), 1},
		requirement{"the CPU's request", container.Resources.Requests.Cpu().Cmp(resource.Quantity{}), 1},
		requirement{"volumes", volumes, wantVolumes},
		requirement{"mounts", mounts, wantMounts})
}
