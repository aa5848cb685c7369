package heapsim

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"heapstash/schema"
)

// statefulPods is the number of pods web-0, web-1, ... in every namespace except the
// first.
const statefulPods = 2

// Pods returns the pods of the next batch.
func (c *Cluster) Pods() []schema.Entity {
	pods := make([]schema.Entity, 0, len(c.pods))
	for _, p := range c.pods {
		pods = append(pods, p.entity)
	}
	return pods
}

// Kill removes the pod from the next batches. It reports whether the pod existed.
func (c *Cluster) Kill(of schema.Entity) bool {
	i := slices.IndexFunc(c.pods, func(p *pod) bool { return p.entity == of })
	if i < 0 {
		return false
	}
	c.remove(i)
	return true
}

// Recreate replaces the pod by one with the same name, as a StatefulSet does: it has
// another uid and new counters, and perhaps another node. Recreate reports whether
// the pod existed.
func (c *Cluster) Recreate(of schema.Entity) bool {
	i := slices.IndexFunc(c.pods, func(p *pod) bool { return p.entity == of })
	if i < 0 {
		return false
	}
	old := c.pods[i]
	c.remove(i)
	c.addPod(c.namespaceOf(old), old.entity.Pod, old.app, 0)
	return true
}

// Churn kills up to n random pods of Deployments and adds as many pods with new names
// to the same Deployments. It returns both.
func (c *Cluster) Churn(n int) (killed, added []schema.Entity) {
	var replaced []*pod
	for _, i := range c.rand.Perm(len(c.pods)) {
		if p := c.pods[i]; p.stateless && len(replaced) < n {
			replaced = append(replaced, p)
		}
	}
	for _, p := range replaced {
		c.Kill(p.entity)
		killed = append(killed, p.entity)
		added = append(added, c.addPod(c.namespaceOf(p), c.podName(p.app), p.app, 0).entity)
	}
	return killed, added
}

func (c *Cluster) remove(i int) {
	p := c.pods[i]
	p.node.pods--
	for _, container := range p.containers {
		if container.gpu != nil {
			container.gpu.taken = false
		}
	}
	c.pods = slices.Delete(c.pods, i, i+1)
}

func (c *Cluster) namespaceOf(p *pod) *namespace {
	i := slices.IndexFunc(c.namespaces, func(ns *namespace) bool { return ns.name == p.entity.Namespace })
	return c.namespaces[i]
}

// podName makes a name like a Deployment's ReplicaSet.
func (c *Cluster) podName(deployment string) string {
	return deployment + "-" + draw(c.rand, 5, kubernetesAlphabet)
}

// newNamespace returns a namespace with Deployments of three pods each, enough for
// that many pods.
func newNamespace(r *rand.Rand, i, pods int) *namespace {
	ns := &namespace{name: fmt.Sprintf("team-%02d", i), uid: uid(r)}
	if i == 0 {
		ns.name = "kube-system"
	}
	apps := [...]string{"api", "worker", "gateway", "billing", "search", "mailer", "scheduler", "reports", "auth", "cache"}
	for d := range pods/3 + 1 {
		app := apps[d%len(apps)]
		if round := d / len(apps); round > 0 {
			app = fmt.Sprintf("%s-v%d", app, round+1)
		}
		ns.deployments = append(ns.deployments, app+"-"+draw(r, 10, kubernetesAlphabet))
	}
	return ns
}

// kubernetesAlphabet is Kubernetes' own alphabet for generated names: without vowels,
// and without digits that look like letters.
const kubernetesAlphabet = "bcdfghjklmnpqrstvwxz2456789"

func draw(r *rand.Rand, n int, alphabet string) string {
	name := make([]byte, n)
	for i := range name {
		name[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(name)
}

func hexadecimal(r *rand.Rand, n int) string { return draw(r, n, "0123456789abcdef") }

func uid(r *rand.Rand) string {
	return fmt.Sprintf("%s-%s-4%s-a%s-%s", hexadecimal(r, 8), hexadecimal(r, 4), hexadecimal(r, 3), hexadecimal(r, 3), hexadecimal(r, 12))
}
