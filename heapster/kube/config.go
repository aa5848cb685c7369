package kube

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"heapstash/heapster"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// restConfig finds the apiserver and the credentials as kubectl does, and, if
// there is no kubeconfig, as programs in a pod do. The error is a [ConfigError].
func (o Options) restConfig() (*rest.Config, error) {
	config, err := o.kubectlConfig()
	if err != nil && o.needsNoKubeconfig() {
		config, err = &rest.Config{Host: o.Server}, nil
	}
	if err != nil {
		return nil, err
	}
	if !rest.IsConfigTransportTLS(*config) {
		return o.plainConfig(config), nil
	}
	if strings.ContainsAny(config.BearerToken, "\r\n\t ") && config.BearerTokenFile == "" {
		return nil, errSpacedToken
	}
	config.UserAgent = o.UserAgent
	return config, nil
}

// kubectlConfig checks the kubeconfig before client-go does, because client-go's
// errors name less.
func (o Options) kubectlConfig() (*rest.Config, error) {
	raw, err := o.clientConfig().RawConfig()
	if err != nil {
		return nil, newConfigError(err)
	}
	if err := o.checkContext(raw); err != nil {
		return nil, err
	}
	config, err := o.clientConfig().ClientConfig()
	if err != nil {
		return nil, newConfigError(err)
	}
	return config, nil
}

// needsNoKubeconfig reports whether --server alone is enough: the URL is a kubectl
// proxy's, and the user did not name a kubeconfig. A default kubeconfig that cannot
// be read must not block this way.
func (o Options) needsNoKubeconfig() bool {
	return o.Server != "" && o.Kubeconfig == "" && o.Context == "" && !rest.IsConfigTransportTLS(rest.Config{Host: o.Server})
}

// clientConfig returns the kubeconfig. It reads the file only when it is used.
func (o Options) clientConfig() clientcmd.ClientConfig {
	files := clientcmd.NewDefaultClientConfigLoadingRules()
	files.ExplicitPath = o.Kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: o.Context}
	overrides.ClusterInfo.Server = o.Server
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(files, overrides)
}

// plainConfig is for a server without TLS, usually a kubectl proxy. It sends no
// credentials in clear text, and keeps more connections open than the two of
// http.DefaultTransport, which client-go would use.
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

// silenceClientGo stops client-go from writing to stderr through klog. Its errors
// reach the caller anyway.
func silenceClientGo() {
	silence.Do(func() { klog.SetLogger(klog.Logger{}) })
}
