package collect

import (
	"cmp"
	"context"
	"errors"

	"heapstash/archive"
	"heapstash/schema"
)

// enrich asks Kubernetes for what Heapster does not know, last of all: no
// sample waits for it. What it is not told stays as it was.
func (p *pass) enrich(ctx context.Context, found discovery) error {
	if p.Enricher == nil || p.record.Horizon == 0 {
		return nil
	}
	batch := p.batch()
	whole := p.export.at == 0 || p.export.uidless || len(p.export.whose.undecided()) > 0
	pods, err := p.kubernetesPods(ctx, whole)
	if err != nil {
		if err := p.untold(ctx, schema.Pod, "pods' owners", err); err != nil {
			return err
		}
	}
	batch.Identities = p.news(p.identify(pods, found))

	namespaces, err := p.kubernetesNamespaces(ctx)
	if err == nil {
		batch.NamespaceLabels = p.relabelled(namespaces)
	} else if err := p.untold(ctx, schema.Namespace, "namespaces' labels", err); err != nil {
		return err
	}
	if len(batch.Identities)+len(batch.NamespaceLabels) == 0 {
		return nil
	}
	return p.write(ctx, batch)
}

// untold notes what Kubernetes did not tell. No sample is missing for it, and
// it mostly lasts until somebody changes permissions, unless time was up. The
// error is ctx's.
func (p *pass) untold(ctx context.Context, of schema.Kind, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	detail := what + " are not known: " + err.Error()
	if errors.Is(err, schema.ErrBudget) {
		p.hole(archive.Hole{Entity: schema.Entity{Kind: of}, Cause: archive.CauseBudget, Detail: detail, Hint: schema.HintOf(err)})
		return nil
	}
	if errors.Is(err, schema.ErrRefused) {
		detail += "; deploy/kubernetes/components/enrich allows it"
	}
	p.hole(archive.Hole{Entity: schema.Entity{Kind: of}, Cause: archive.CauseEnrich, Detail: detail, Lasting: true})
	return nil
}

// identify joins what Kubernetes, the export and the store tell of the pods
// that Heapster lists. Kubernetes may be ahead of Heapster's batch: where the
// export names another incarnation, that is the one that the samples are of.
func (p *pass) identify(pods []schema.Identity, found discovery) []schema.Identity {
	exported := make(map[schema.Entity]schema.Identity, len(p.export.identities))
	for _, i := range p.export.identities {
		exported[i.Pod] = i
	}
	var identities []schema.Identity
	for _, i := range pods {
		if !found.present[i.Pod] {
			continue
		}
		i.Since = p.seen()
		if shown, ok := exported[i.Pod]; ok {
			if shown.UID != i.UID {
				continue
			}
			shown.Owner = i.Owner
			i = shown
		} else if known := p.memory.Identities[i.Pod]; known.UID == i.UID {
			// The export left the pod out, and so metadata were enough.
			i.Node, i.Images = cmp.Or(i.Node, known.Node), cmp.Or(i.Images, known.Images)
		}
		identities = append(identities, i)
	}
	return identities
}

// relabelled returns the labels of the namespaces that have others than the
// store knows of: none at all, if they were deleted.
func (p *pass) relabelled(namespaces []schema.NamespaceIdentity) map[string]string {
	changed := make(map[string]string)
	exists := make(map[string]bool, len(namespaces))
	for _, n := range namespaces {
		exists[n.Name] = true
		if p.wantsNamespace(n.Name) && (p.setBack || p.memory.NamespaceLabels[n.Name] != n.Labels) {
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
