package cluster

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	batchv1 "k8s.io/api/batch/v1"
	batchv1beta1 "k8s.io/api/batch/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/utils/ptr"

	"heapstash/e2e/rig"
)

const manifests = "../../deploy/kubernetes"

// overlay is a kustomization for users.
type overlay struct {
	path     string
	workload string
	// This apiserver has all its kinds.
	current bool
	// Its pods satisfy Pod Security's standard restricted. Before Kubernetes 1.19, pods
	// lacked a field for that.
	restricted bool
	// Its archive is in ClickHouse, and not on a volume.
	clickhouse bool
}

var overlays = []overlay{
	{"overlays/deployment", "apps/v1 Deployment", true, true, false},
	{"overlays/deployment-before-1.19", "apps/v1 Deployment", true, false, false},
	{"overlays/clickhouse", "apps/v1 Deployment", true, true, true},
	{"overlays/cronjob", "batch/v1 CronJob", true, true, false},
	{"overlays/cronjob-v1beta1", "batch/v1beta1 CronJob", false, true, false},
	{"overlays/cronjob-before-1.19", "batch/v1beta1 CronJob", false, false, false},
	{"example", "apps/v1 Deployment", true, true, false},
}

// TestManifestsAreAccepted applies the manifests. Kinds that this apiserver has no
// longer must be refused; they are decoded strictly instead.
func TestManifestsAreAccepted(t *testing.T) {
	for _, o := range overlays {
		t.Run(o.path, func(t *testing.T) {
			if len(pods(t, o.path)) != 1 {
				t.Errorf("%d pod templates, want one", len(pods(t, o.path)))
			}
			if o.current {
				// As a dry run, which does not store: the objects of different overlays
				// have the same names, and a claim's size cannot be changed.
				err := cluster.Admin.CoreV1().PersistentVolumeClaims("heapstash").Delete(t.Context(), "heapstash", del)
				if err != nil && !apierrors.IsNotFound(err) {
					t.Fatal(err)
				}
			}
			_, err := cluster.Kubectl(t.Context(), "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-k", filepath.Join(manifests, o.path))
			switch {
			case o.current && err != nil:
				t.Error(err)
			case !o.current && (err == nil || !strings.Contains(err.Error(), `no matches for kind "CronJob" in version "batch/v1beta1"`)):
				t.Errorf("this apiserver has batch/v1beta1 after all: %v", err)
			}
		})
	}
	if n := len(overlays); n != count(t, manifests+"/overlays/*")+1 {
		t.Errorf("there are other overlays than these %d", n)
	}
}

func count(t *testing.T, glob string) int {
	t.Helper()
	paths, err := filepath.Glob(glob)
	if err != nil {
		t.Fatal(err)
	}
	return len(paths)
}

// rendering returns the output of kubectl for a kustomization. It does not change while
// the tests run.
func rendering(t *testing.T, path string) string {
	t.Helper()
	if text, ok := renderings[path]; ok {
		return text
	}
	text, err := cluster.Kubectl(t.Context(), "kustomize", filepath.Join(manifests, path))
	if err != nil {
		t.Fatal(err)
	}
	renderings[path] = text
	return text
}

var renderings = make(map[string]string)

// TestOldKustomize renders the manifests with the kustomize of the oldest kubectl that
// docs/install.md names for this.
func TestOldKustomize(t *testing.T) {
	t.Parallel() // with what does not look at manifests
	if !strings.Contains(section(t, "docs/install.md", "Overlays"), "Render with kubectl 1.23 or later") {
		t.Error("docs/install.md names another kubectl than 1.23, which has kustomize v4.4.1")
	}
	for _, o := range overlays {
		out, err := exec.CommandContext(t.Context(), programs.Kustomize, "build", filepath.Join(manifests, o.path)).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", o.path, err, out)
		} else if string(out) != rendering(t, o.path) {
			t.Errorf("%s is other objects by an old kustomize:\n%s", o.path, out)
		}
	}
}

// rendered returns the objects of a kustomization, decoded strictly.
func rendered(t *testing.T, path string) []runtime.Object {
	t.Helper()
	return decoded(t, rendering(t, path))
}

// decoded returns the objects of a text, decoded strictly.
func decoded(t *testing.T, text string) []runtime.Object {
	t.Helper()
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	var objects []runtime.Object
	documents := yaml.NewDocumentDecoder(io.NopCloser(strings.NewReader(text)))
	defer documents.Close()
	for document := make([]byte, 1<<20); ; {
		n, err := documents.Read(document)
		if err == io.EOF {
			return objects
		}
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := decoder.Decode(document[:n], nil, nil)
		if err != nil {
			t.Fatalf("%v in\n%s", err, document[:n])
		}
		objects = append(objects, object)
	}
}

// pods returns the pod templates of a kustomization.
func pods(t *testing.T, path string) []corev1.PodTemplateSpec {
	t.Helper()
	var templates []corev1.PodTemplateSpec
	for _, object := range rendered(t, path) {
		switch o := object.(type) {
		case *appsv1.Deployment:
			templates = append(templates, o.Spec.Template)
		case *batchv1.CronJob:
			templates = append(templates, o.Spec.JobTemplate.Spec.Template)
		case *batchv1beta1.CronJob:
			templates = append(templates, o.Spec.JobTemplate.Spec.Template)
		case *corev1.PodTemplate, *corev1.Pod:
			t.Errorf("a %T is left over", o)
		}
	}
	return templates
}

// TestPodSecurity creates the pods of the manifests in heapstash's namespace, which
// enforces the standard restricted (for pods, not for workloads). Pods with one more
// privilege must be refused.
func TestPodSecurity(t *testing.T) {
	namespace, err := cluster.Admin.CoreV1().Namespaces().Get(t.Context(), "heapstash", get)
	if err != nil {
		t.Fatal(err)
	}
	if enforced := namespace.Labels["pod-security.kubernetes.io/enforce"]; enforced != "restricted" {
		t.Fatalf("the namespace enforces %q", enforced)
	}
	create := func(t *testing.T, spec corev1.PodSpec) error {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "heapstash-"}, Spec: spec}
		_, err := cluster.Admin.CoreV1().Pods("heapstash").Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	privileges := map[string]func(*corev1.PodSpec){
		"privileged": func(s *corev1.PodSpec) {
			s.Containers[0].SecurityContext.AllowPrivilegeEscalation, s.Containers[0].SecurityContext.Privileged = nil, ptr.To(true)
		},
		"root": func(s *corev1.PodSpec) {
			s.SecurityContext.RunAsNonRoot, s.SecurityContext.RunAsUser = ptr.To(false), ptr.To(int64(0))
		},
		"capability": func(s *corev1.PodSpec) {
			s.Containers[0].SecurityContext.Capabilities.Add = []corev1.Capability{"SYS_ADMIN"}
		},
		"host path": func(s *corev1.PodSpec) {
			s.Volumes[0].VolumeSource = corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}
		},
		"no seccomp": func(s *corev1.PodSpec) { s.SecurityContext.SeccompProfile = nil },
	}
	for _, o := range overlays {
		spec := pods(t, o.path)[0].Spec
		err := create(t, spec)
		if !o.restricted {
			if !apierrors.IsForbidden(err) {
				t.Errorf("%s: now restricted? %v", o.path, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", o.path, err)
		}
		for name, add := range privileges {
			more := spec.DeepCopy()
			add(more)
			if err := create(t, *more); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "restricted") {
				t.Errorf("%s with %s: %v", o.path, name, err)
			}
		}
	}
}

// TestRoleGrantsNoMore asks the apiserver for the permissions of heapstash's account
// that other accounts do not have.
func TestRoleGrantsNoMore(t *testing.T) {
	rules := func(token, namespace string) []string {
		config, err := clientcmd.BuildConfigFromFlags("", kubeconfig(t, clientcmdapi.AuthInfo{Token: token}))
		if err != nil {
			t.Fatal(err)
		}
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		review := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace}}
		review, err = client.AuthorizationV1().SelfSubjectRulesReviews().Create(t.Context(), review, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, rule := range review.Status.ResourceRules {
			all = append(all, fmt.Sprint(rule.Verbs, rule.APIGroups, rule.Resources, rule.ResourceNames))
		}
		for _, rule := range review.Status.NonResourceRules {
			all = append(all, fmt.Sprint(rule.Verbs, rule.NonResourceURLs))
		}
		slices.Sort(all)
		return all
	}
	other, err := cluster.Token(t.Context(), "default", "default") // no role names it
	if apierrors.IsNotFound(err) {                                 // there is no controller that makes it
		_, err = cluster.Admin.CoreV1().ServiceAccounts("default").Create(t.Context(),
			&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{})
		if err == nil {
			other, err = cluster.Token(t.Context(), "default", "default")
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	for namespace, want := range map[string][]string{
		"kube-system": {"[get] [] [services/proxy] [http:heapster:]"},
		"heapstash":   nil, "default": nil, "monitoring": nil,
	} {
		everybody := rules(other, namespace)
		more := slices.DeleteFunc(rules(token(t), namespace), func(rule string) bool { return slices.Contains(everybody, rule) })
		if !slices.Equal(more, want) {
			t.Errorf("in %s the account may also\n%s\nwant\n%s", namespace, strings.Join(more, "\n"), strings.Join(want, "\n"))
		}
	}
}

// TestDeploymentsPod runs the Deployment's pod: its probes answer, it archives, and it
// ends with 0 after SIGTERM.
func TestDeploymentsPod(t *testing.T) {
	defer restartHeapster(t)
	feed(t, newCluster(), 5*time.Second)
	claim := t.TempDir()
	pod := newPod(t, deployment(t).Spec.Template.Spec, claim)
	container := pod.Spec.Containers[0]
	live, err := pod.Probe(container.LivenessProbe)
	if err != nil {
		t.Fatal(err)
	}
	ready, err := pod.Probe(container.ReadinessProbe)
	if err != nil {
		t.Fatal(err)
	}
	ask := regexp.MustCompile(`(?m)^\$ kubectl .* exec deployment/heapstash -- /heapstash (\w+) "(.*)"$`).FindStringSubmatch(section(t, "docs/install.md", "In the cluster, as a Deployment"))
	if ask == nil {
		t.Fatal("docs/install.md asks nothing of the pod")
	}
	question := newPod(t, deployment(t).Spec.Template.Spec, claim)
	question.Run(ask[1:]...)
	rig.WhileReady(t, podCommand(t, pod), ready, func() {
		if !rig.Answers(live) {
			t.Error("ready, and not alive")
		}
		number(t, rig.Run(t, podCommand(t, question)).Want(t, 0).Stdout, 100)
	})
	owned(t, filepath.Join(claim, "heapstash.db"))
}

// owned fails the test unless the archive belongs to the pod's user and has samples.
func owned(t *testing.T, archive string) {
	t.Helper()
	info, err := os.Stat(archive)
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 65532 || stat.Gid != 65532 {
		t.Errorf("the archive is of %d:%d", stat.Uid, stat.Gid)
	}
	if n := rig.SQL(t, archive, "SELECT count(*) > 100 FROM samples"); n != "1" {
		t.Error("the archive is nearly empty")
	}
}

// TestCronJobsPod runs the CronJob's pod twice, as two Jobs do: with the same volume and
// a new root directory. Heapster also shows the Jobs' pods, with the names that
// controllers give them. Only those are not archived.
func TestCronJobsPod(t *testing.T) {
	job := applyCronJob(t)
	defer restartHeapster(t)
	sim, claim := newCluster(), t.TempDir()
	for i := range 2 {
		own := fmt.Sprintf("%s-%d", job.Name, 29_000_000+i)
		feedPods(t, sim, time.Duration(65-60*i)*time.Second,
			fedPod{"heapstash", own + "-x7k2p", "job"}, fedPod{"heapstash", "heapstash-5d8f7c9b4-q2x7k", "resident"}, fedPod{"shop", own + "-x7k2p", "other"})
		rig.Run(t, podCommand(t, newPod(t, job.Spec.JobTemplate.Spec.Template.Spec, claim))).Want(t, 0)
	}
	archive := filepath.Join(claim, "heapstash.db")
	owned(t, archive)
	if n := rig.SQL(t, archive, "SELECT count(DISTINCT ts) FROM pod"); n != "2" {
		t.Errorf("%s batches, want 2", n)
	}
	const jobs = "SELECT DISTINCT namespace, pod FROM %s WHERE pod LIKE 'heapstash%%' ORDER BY pod"
	for _, view := range []string{"entities", "samples", "pod_identities"} {
		got := rig.SQL(t, archive, fmt.Sprintf(jobs, view))
		want := "heapstash\theapstash-5d8f7c9b4-q2x7k\nshop\theapstash-collect-29000000-x7k2p\nshop\theapstash-collect-29000001-x7k2p"
		if got != want {
			t.Errorf("%s has\n%s\nwant\n%s", view, got, want)
		}
	}
}

// TestCronJobsPodWithAHole runs the CronJob's pod when Heapster is stale. The ledger
// says so. Without --partial-ok, the exit code is 3.
func TestCronJobsPodWithAHole(t *testing.T) {
	template := applyCronJob(t).Spec.JobTemplate.Spec.Template.Spec
	defer restartHeapster(t)
	feed(t, newCluster(), 5*time.Minute)
	claim := t.TempDir()
	archive := filepath.Join(claim, "heapstash.db")
	outcomes := func() string {
		return rig.SQL(t, archive, "SELECT group_concat(outcome) FROM (SELECT outcome FROM passes ORDER BY id)")
	}

	strict := newPod(t, template, claim)
	strict.Run("collect")
	rig.Run(t, podCommand(t, strict)).Want(t, 3)
	rig.Run(t, podCommand(t, newPod(t, template, claim))).Want(t, 0)
	if got := outcomes(); got != "partial,partial" {
		t.Errorf("the ledger says %s", got)
	}
	if got := rig.SQL(t, archive, "SELECT DISTINCT cause FROM holes WHERE NOT lasting"); got != "stale" {
		t.Errorf("the holes are %s", got)
	}
}

// applyCronJob applies the overlay and returns the CronJob of the apiserver.
func applyCronJob(t *testing.T) batchv1.CronJob {
	t.Helper()
	if _, err := cluster.Kubectl(t.Context(), "apply", "--server-side", "--force-conflicts", "-k", manifests+"/overlays/cronjob"); err != nil {
		t.Fatal(err)
	}
	jobs, err := cluster.Admin.BatchV1().CronJobs("heapstash").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(jobs.Items) != 1 {
		t.Fatalf("there are %d CronJobs", len(jobs.Items))
	}
	return jobs.Items[0]
}

// TestConfigMap: a change of the settings reaches the pods, because the ConfigMap's name
// has a hash and the pods' volume has that name.
func TestConfigMap(t *testing.T) {
	for _, o := range overlays {
		var name string
		for _, object := range rendered(t, o.path) {
			if m, ok := object.(*corev1.ConfigMap); ok {
				name = m.Name
			}
		}
		spec, err := json.Marshal(pods(t, o.path)[0].Spec)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(name, "heapstash-") || !strings.Contains(string(spec), `"name":"`+name+`"`) {
			t.Errorf("%s: no pod mounts ConfigMap %q", o.path, name)
		}
	}
}
