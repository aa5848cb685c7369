package kube

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// checkContext reports a kubeconfig that names no cluster and user. client-go would
// use a cluster or a user without settings for an empty or unknown name.
func (o Options) checkContext(raw clientcmdapi.Config) error {
	name := cmp.Or(o.Context, raw.CurrentContext)
	chosen := raw.Contexts[name]
	optional := o.Server != "" || o.Kubeconfig == "" && os.Getenv("KUBERNETES_SERVICE_HOST") != ""
	switch {
	case name == "" && optional:
		return nil
	case len(raw.Clusters) == 0 && len(raw.Contexts) == 0 && o.Context == "":
		return o.emptyKubeconfig()
	case name == "" && len(raw.Contexts) == 0:
		return &ConfigError{fmt.Errorf("%s has no context", o.kubeconfig()),
			"make one with `kubectl config set-context NAME --cluster=CLUSTER --user=USER`, and choose it with --context NAME"}
	case name == "":
		return &ConfigError{fmt.Errorf("%s has no current-context", o.kubeconfig()),
			"choose one with --context: " + names(raw.Contexts)}
	case chosen == nil:
		return &ConfigError{fmt.Errorf("context %q does not exist in %s", name, o.kubeconfig()),
			"choose another one with --context: " + names(raw.Contexts)}
	case raw.Clusters[chosen.Cluster] == nil && o.Server == "":
		return &ConfigError{fmt.Errorf("context %q is for cluster %q, which does not exist in %s", name, chosen.Cluster, o.kubeconfig()),
			"correct the context's cluster, or choose another context with --context; the clusters are: " + names(raw.Clusters)}
	case raw.AuthInfos[chosen.AuthInfo] == nil && chosen.AuthInfo != "":
		return &ConfigError{fmt.Errorf("context %q is for user %q, who does not exist in %s", name, chosen.AuthInfo, o.kubeconfig()),
			"correct the context's user, or choose another context with --context; the users are: " + names(raw.AuthInfos)}
	default:
		return nil
	}
}

// emptyKubeconfig tells an empty file from a missing one.
func (o Options) emptyKubeconfig() error {
	if o.Kubeconfig != "" {
		return &ConfigError{fmt.Errorf("%s is an empty kubeconfig: it has no cluster and no context", o.Kubeconfig),
			"name another file with --kubeconfig; `kubectl config view --minify --flatten --raw` writes one where kubectl works"}
	}
	files := slices.DeleteFunc(filepath.SplitList(os.Getenv("KUBECONFIG")), func(file string) bool { return file == "" })
	if len(files) == 0 {
		return nil // KUBECONFIG is not set
	}
	missing := slices.DeleteFunc(slices.Clone(files), func(file string) bool {
		_, err := os.Stat(file)
		return !os.IsNotExist(err)
	})
	if len(missing) < len(files) {
		return &ConfigError{fmt.Errorf("%s is empty: it has no cluster and no context", o.kubeconfig()),
			"name another file in KUBECONFIG, or with --kubeconfig"}
	}
	return &ConfigError{fmt.Errorf("no way to Heapster is configured: KUBECONFIG is %s, and there is no such file", strings.Join(files, ", ")),
		"correct KUBECONFIG, or " + hintWays}
}

// kubeconfig names the file or the files in messages.
func (o Options) kubeconfig() string {
	switch files := os.Getenv("KUBECONFIG"); {
	case o.Kubeconfig != "":
		return o.Kubeconfig
	case files != "":
		return "the kubeconfig of KUBECONFIG=" + files
	default:
		return "~/.kube/config"
	}
}

// names lists some names, in order.
func names[V any](all map[string]V) string {
	const most = 10
	sorted := slices.Sorted(maps.Keys(all))
	if len(sorted) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(sorted[:most], ", "), len(sorted)-most)
	}
	return cmp.Or(strings.Join(sorted, ", "), "(none)")
}
