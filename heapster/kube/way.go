package kube

import (
	"cmp"
	"fmt"
	"os"

	"heapstash/heapster"
)

// Unverified reports whether the kubeconfig says to talk to an apiserver whose
// certificate nobody vouches for. It sends nothing.
func (o Options) Unverified() bool {
	config, err := o.withDefaults().restConfig()
	return err == nil && config.Insecure
}

// Way says in a few words which way in the options choose: the server's URL,
// a kubeconfig's context, or the pod's service account. It sends nothing.
func (o Options) Way() string {
	if o.Server != "" {
		return "server " + heapster.WithoutUserinfo(o.Server)
	}
	raw, err := o.clientConfig().RawConfig()
	switch {
	case err != nil && o.Kubeconfig != "":
		return "kubeconfig " + o.Kubeconfig
	case err != nil:
		return "kubeconfig"
	case len(raw.Clusters) == 0 && os.Getenv("KUBERNETES_SERVICE_HOST") != "":
		return "the pod's service account"
	case len(raw.Clusters) == 0:
		return "none"
	}
	name := cmp.Or(o.Context, raw.CurrentContext)
	if chosen := raw.Contexts[name]; chosen != nil {
		return fmt.Sprintf("context %s of %s", name, chosen.LocationOfOrigin)
	}
	return "context " + name
}
