package config

import (
	"strings"

	"github.com/spf13/pflag"

	"heapstash/cmd/heapstash/show"
)

// Mark is the annotation of flags that are settings. A flag of the same name without
// it has another meaning: --timeout of sql is not the setting timeout.
const Mark = "heapstash_setting"

// AddFlags adds groups of flags that are settings.
func AddFlags(flags *pflag.FlagSet, groups ...func(*pflag.FlagSet, Config)) {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, group := range groups {
		group(own, Default())
	}
	own.VisitAll(func(f *pflag.Flag) { f.Annotations = map[string][]string{Mark: nil} })
	flags.AddFlagSet(own)
}

// FlagOf returns the flag of the setting with the key, nil if the command has none.
func FlagOf(flags *pflag.FlagSet, key string) *pflag.Flag {
	name := strings.ReplaceAll(key, "_", "-")
	if key == "archive.url" {
		name = "archive" // the one flag of a setting in a section
	}
	f := flags.Lookup(name)
	if f == nil {
		return nil
	}
	if _, ok := f.Annotations[Mark]; !ok {
		return nil
	}
	return f
}

func CommonFlags(f *pflag.FlagSet, d Config) {
	f.String("db-file", d.DBFile, "the archive, if it is a file")
	f.String("archive", d.Archive.URL, "the archive: a file, or clickhouse://user@host:9000/database (default: --db-file)")
	f.String("cluster-name", d.ClusterName, "name of the cluster in the archive")
	f.String("log-level", "info", "debug, info, warn or error")
	f.String("log-format", d.LogFormat, "text, json, or auto: text on a terminal")
}

func AccessFlags(f *pflag.FlagSet, d Config) {
	f.String("heapster-url", d.HeapsterURL, "Heapster itself, or any URL in front of it, up to before /api/v1/model")
	f.String("kubeconfig", d.Kubeconfig, "kubeconfig file (default as kubectl: KUBECONFIG, else ~/.kube/config, else the pod's service account)")
	f.String("context", d.Context, "context of the kubeconfig")
	f.String("server", d.Server, "URL of an apiserver or a kubectl proxy")
	f.String("heapster-namespace", d.HeapsterNamespace, "namespace of Heapster's service")
	f.String("heapster-service", d.HeapsterService, "name of Heapster's service")
	f.String("heapster-scheme", d.HeapsterScheme, "http or https, between the apiserver and Heapster")
	f.String("heapster-port", d.HeapsterPort, "port of Heapster's service, by number or name (default: the port without a name)")
	f.String("heapster-proxy-path", d.HeapsterProxyPath, "modern, legacy (up to Kubernetes 1.9), or auto")
	f.String("ca-file", d.CAFile, "certificate authorities of --heapster-url")
	f.String("client-cert-file", d.ClientCertFile, "client certificate for --heapster-url")
	f.String("client-key-file", d.ClientKeyFile, "key of the client certificate")
	f.String("token-file", d.TokenFile, "file with the bearer token for --heapster-url")
	f.Bool("insecure-skip-tls-verify", d.InsecureSkipTLSVerify, "do not verify the certificate of --heapster-url")
	f.Duration("timeout", d.Timeout, "of one request")
	f.Int("tries", d.Tries, "how often a request is tried in all")
	f.Int("concurrency", d.Concurrency, "requests at a time")
}

func PassFlags(f *pflag.FlagSet, d Config) {
	f.StringSliceP("namespace", "n", d.Namespaces, "only namespaces that match this glob (repeatable)")
	f.StringSlice("exclude-namespace", d.ExcludeNamespaces, "no namespaces that match this glob (repeatable)")
	f.StringSlice("exclude-pod", d.ExcludePods, "no pods that match this NAMESPACE/POD, both globs (repeatable; empty: archive all)")
	f.StringSlice("kinds", show.Names(d.Kinds), "kinds of entity to archive")
}

func LockFlags(f *pflag.FlagSet, d Config) {
	f.Duration("retry-lock", d.RetryLock, "how long to wait while another writer holds the archive")
}

func OnceFlags(f *pflag.FlagSet, d Config) {
	f.Bool("partial-ok", d.PartialOK, "exit 0 instead of 3 when the pass has holes")
	f.String("metrics-textfile", d.MetricsTextfile, "FILE.prom to write after the pass, for node_exporter's textfile collector")
}

func ResidentFlags(f *pflag.FlagSet, d Config) {
	f.String("schedule", d.Schedule, "when passes begin: @every DURATION, or the five fields of cron, in UTC")
	f.String("listen", d.Listen, "address of /metrics, /healthz and /readyz; empty for none")
}
