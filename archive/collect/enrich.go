package collect

import (
	"cmp"
	"context"
	"errors"

	"heapstash/archive"
	"heapstash/schema"
)

// enrich asks the Kubernetes API for what Heapster does not have. It comes last,
// so that no sample waits for it. What Kubernetes does not answer stays as it was.
func (p *pass) enrich(ctx, asking context.Context, found discovery) error {
	if p.Enricher == nil || p.record.Horizon == 0 {
		return nil
	}
	batch := p.batch()
	whole := p.metricExport.at == 0 || p.metricExport.uidless || len(p.metricExport.attribution.Open()) > 0
	pods, err := p.kubernetesPods(asking, whole)
	if err != nil {
		p.noteUnknown(schema.Pod, "pods' owners", err)
	}
	batch.Identities = p.changed(p.identify(pods, found))

	namespaces, err := p.kubernetesNamespaces(asking)
	if err == nil {
		batch.NamespaceLabels = p.relabelled(namespaces)
	} else {
		p.noteUnknown(schema.Namespace, "namespaces' labels", err)
	}
	if err := cancelled(asking); err != nil {
		return err
	}
	if len(batch.Identities)+len(batch.NamespaceLabels) == 0 {
		return nil
	}
	return p.write(ctx, batch)
}

// noteUnknown notes what Kubernetes did not answer. No sample is missing then, and
// it mostly lasts until somebody changes permissions, unless the time was up.
func (p *pass) noteUnknown(kind schema.Kind, what string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	h := p.holeOf(schema.Entity{Kind: kind}, err)
	h.Detail = what + " are not known: " + h.Detail
	if h.Cause != archive.CauseBudget {
		if errors.Is(err, schema.ErrRefused) {
			h.Detail += "; deploy/kubernetes/components/enrich allows it"
		}
		h.Cause, h.Lasting, h.Hint = archive.CauseEnrich, true, ""
	}
	p.hole(h)
}

// identify joins the identities of listed pods from Kubernetes, the export and the
// store. Kubernetes may be ahead of Heapster's batch: if the export has another
// incarnation, the samples are of that one.
func (p *pass) identify(pods []schema.Identity, found discovery) []schema.Identity {
	exported := make(map[schema.Entity]schema.Identity, len(p.metricExport.identities))
	for _, i := range p.metricExport.identities {
		exported[i.Pod] = i
	}
	var identities []schema.Identity
	for _, i := range pods {
		if !found.present[i.Pod] {
			continue
		}
		i.Since = p.timeline.Seen()
		if shown, ok := exported[i.Pod]; ok {
			if shown.UID != i.UID {
				continue
			}
			shown.Owner = i.Owner
			i = shown
		} else if known := p.memory.Identities[i.Pod]; known.UID == i.UID {
			// The export does not have the pod, and the metadata lack these.
			i.Node, i.Images = cmp.Or(i.Node, known.Node), cmp.Or(i.Images, known.Images)
		}
		identities = append(identities, i)
	}
	return identities
}

// relabelled returns the labels of the namespaces whose labels in the store are
// different; empty labels if the namespace was deleted.
func (p *pass) relabelled(namespaces []schema.NamespaceIdentity) map[string]string {
	changed := make(map[string]string)
	exists := make(map[string]bool, len(namespaces))
	for _, n := range namespaces {
		exists[n.Name] = true
		if p.wantsNamespace(n.Name) && (p.timeline.IsSetBack() || p.memory.NamespaceLabels[n.Name] != n.Labels) {
			changed[n.Name] = n.Labels
		}
	}
	for name := range p.memory.NamespaceLabels {
		if !exists[name] && p.wantsNamespace(name) {
			changed[name] = ""
		}
	}
	return changed
}

// answer is an answer of the Kubernetes API. A pass asks once, and once more for whole
// pods.
type answer[T any] struct {
	asked, whole bool
	list         []T
	err          error
}

// kubernetesPods returns the pods; only whole ones have nodes and images.
func (p *pass) kubernetesPods(ctx context.Context, whole bool) ([]schema.Identity, error) {
	if a := &p.kubePods; !a.asked || whole && !a.whole && a.err == nil {
		a.list, a.err = p.Enricher.Pods(ctx, whole)
		a.asked, a.whole = true, whole
	}
	return p.kubePods.list, p.kubePods.err
}

func (p *pass) kubernetesNamespaces(ctx context.Context) ([]schema.NamespaceIdentity, error) {
	if a := &p.kubeNamespaces; !a.asked {
		a.list, a.err = p.Enricher.Namespaces(ctx)
		a.asked = true
	}
	return p.kubeNamespaces.list, p.kubeNamespaces.err
}
