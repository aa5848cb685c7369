package kube

import (
	"cmp"
	"fmt"
	"net/url"
	"os"

	"heapstash/heapster/failure"
)

// Unverified reports whether the kubeconfig switches off the check of the
// apiserver's certificate. It sends nothing.
func (o Options) Unverified() bool {
	config, err := o.withDefaults().restConfig()
	return err == nil && config.Insecure
}

// way tells package failure how the user gave the server's URL.
func (o Options) way(server *url.URL) failure.Way {
	switch {
	case server.Scheme == "http":
		return failure.ByProxy
	case o.inPod():
		return failure.InPod
	default:
		return failure.ByKubeconfig
	}
}

// inPod reports whether the pod's service account is used.
func (o Options) inPod() bool {
	raw, err := o.clientConfig().RawConfig()
	return err == nil && o.Server == "" && len(raw.Clusters) == 0 && os.Getenv("KUBERNETES_SERVICE_HOST") != ""
}

// Way names the way that the options choose: the server's URL, a kubeconfig's
// context, or the pod's service account. It sends nothing.
func (o Options) Way() string {
	if o.Server != "" {
		return "server " + failure.WithoutUserinfo(o.Server)
	}
	raw, err := o.clientConfig().RawConfig()
	switch {
	case err != nil && o.Kubeconfig != "":
		return "kubeconfig " + o.Kubeconfig
	case err != nil:
		return "kubeconfig"
	case o.inPod():
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
