package cluster

import (
	"os/exec"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"heapstash/e2e/rig"
)

// deployment returns the manifests' Deployment from the apiserver.
func deployment(t *testing.T) *appsv1.Deployment {
	t.Helper()
	d, err := cluster.Admin.AppsV1().Deployments("heapstash").Get(t.Context(), "heapstash", get)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// newPod prepares a pod of heapstash's namespace. Claim is the directory of its claim.
func newPod(t *testing.T, spec corev1.PodSpec, claim string) *rig.Pod {
	t.Helper()
	pod, err := cluster.NewPod(t.Context(), "heapstash", spec, t.TempDir(), programs.Static, map[string]string{"heapstash": claim})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

func podCommand(t *testing.T, pod *rig.Pod) *exec.Cmd {
	t.Helper()
	command, err := pod.Command(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return command
}
