package kube

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"heapstash/heapster"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// ConfigError tells that the options or the kubeconfig are at fault, before
// anything was sent.
type ConfigError struct {
	Err  error
	hint string
}

// Error is one line.
func (e *ConfigError) Error() string {
	return heapster.WithoutUserinfo(strings.Join(strings.Fields(e.Err.Error()), " "))
}

// Unwrap returns the cause, which is often client-go's.
func (e *ConfigError) Unwrap() error { return e.Err }

// Hint tells what to do about it.
func (e *ConfigError) Hint() string { return e.hint }

func newConfigError(err error) *ConfigError {
	if clientcmd.IsEmptyConfig(err) {
		return &ConfigError{
			Err: errors.New("no way to Heapster is configured"),
			hint: "give one: --heapster-url URL (Heapster itself), --server URL (a kubectl proxy), --kubeconfig FILE " +
				"(or KUBECONFIG, or ~/.kube/config); in a pod the service account serves",
		}
	}
	return &ConfigError{Err: err, hint: "try the same with `kubectl cluster-info`, or name another --kubeconfig or --context"}
}

// restConfig finds the apiserver and the credentials as kubectl does, and, if
// there is no kubeconfig, as programs in a pod do.
func (o Options) restConfig() (*rest.Config, error) {
	config, err := o.clientConfig().ClientConfig()
	if err != nil {
		return nil, newConfigError(err)
	}
	if !rest.IsConfigTransportTLS(*config) {
		return o.plainConfig(config), nil
	}
	config.UserAgent = o.UserAgent
	return config, nil
}

// clientConfig reads the kubeconfig when it is asked.
func (o Options) clientConfig() clientcmd.ClientConfig {
	files := clientcmd.NewDefaultClientConfigLoadingRules()
	files.ExplicitPath = o.Kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: o.Context}
	overrides.ClusterInfo.Server = o.Server
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(files, overrides)
}

// plainConfig is for a server without TLS, a kubectl proxy as a rule: no
// credentials in the clear, and more than the two connections that client-go,
// which falls back to http.DefaultTransport there, would keep open.
func (o Options) plainConfig(config *rest.Config) *rest.Config {
	proxy := config.Proxy
	if proxy == nil {
		proxy = http.ProxyFromEnvironment
	}
	return &rest.Config{
		Host:        config.Host,
		UserAgent:   o.UserAgent,
		Impersonate: config.Impersonate,
		Transport: &http.Transport{
			Proxy:               proxy,
			MaxIdleConnsPerHost: o.Concurrency,
			IdleConnTimeout:     90 * time.Second,

			MaxResponseHeaderBytes: heapster.MaxHeader,
		},
	}
}

var silence sync.Once

// silenceClientGo keeps client-go from writing to stderr through klog: what
// matters reaches the caller as an error.
func silenceClientGo() {
	silence.Do(func() { klog.SetLogger(klog.Logger{}) })
}
