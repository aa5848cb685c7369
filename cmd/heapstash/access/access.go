// Package access connects to Heapster as the settings say: at a URL, or through an
// apiserver.
package access

import (
	"context"
	"log/slog"
	"net/url"

	"heapstash/cmd/heapstash/build"
	"heapstash/cmd/heapstash/config"
	"heapstash/heapster"
	"heapstash/heapster/failure"
	"heapstash/heapster/kube"
)

// Connect returns the connection that the settings give: to heapster_url, or through
// an apiserver. It sends only the requests that find the apiserver's proxy path.
func Connect(ctx context.Context, c config.Config) (kube.Connection, error) {
	if c.HeapsterURL != "" {
		return direct(c.Access)
	}
	opts := KubeOptions(c)
	opts.Timeout, opts.Tries = c.Timeout, c.Tries
	return kube.Connect(ctx, opts)
}

// Way says for people how the settings reach Heapster.
func Way(c config.Config) string {
	if c.HeapsterURL != "" {
		return "heapster_url"
	}
	return KubeOptions(c).Way()
}

func ClientOptions(c config.Config, way failure.Way) heapster.Options {
	return heapster.Options{
		Concurrency: c.Concurrency,
		Timeout:     c.Timeout,
		Tries:       c.Tries,
		Limits:      c.Limits.Heapster(),
		UserAgent:   userAgent(),
		Way:         way,
	}
}

func userAgent() string { return "heapstash/" + build.Info().Version }

func direct(a config.Access) (kube.Connection, error) {
	base, err := url.Parse(a.HeapsterURL)
	if err != nil {
		return kube.Connection{}, err
	}
	client, err := heapster.DirectClient(heapster.DirectOptions{
		CAFile:    a.CAFile,
		CertFile:  a.ClientCertFile,
		KeyFile:   a.ClientKeyFile,
		TokenFile: a.TokenFile,
		Insecure:  a.InsecureSkipTLSVerify,
	})
	return kube.Connection{HTTP: client, Heapster: base}, err
}

func KubeOptions(c config.Config) kube.Options {
	a := c.Access
	return kube.Options{
		Kubeconfig:  a.Kubeconfig,
		Context:     a.Context,
		Server:      a.Server,
		Namespace:   a.HeapsterNamespace,
		Service:     a.HeapsterService,
		Scheme:      a.HeapsterScheme,
		Port:        a.HeapsterPort,
		ProxyPath:   kube.ProxyPath(a.HeapsterProxyPath),
		UserAgent:   userAgent(),
		Concurrency: c.Concurrency,
	}
}

// Warn logs settings that are allowed and dangerous.
func Warn(c config.Config, log *slog.Logger) {
	if c.InsecureSkipTLSVerify {
		log.Warn("the certificate of heapster_url is not verified: anyone on the way can read the token and forge samples")
	}
	if c.HeapsterURL == "" && KubeOptions(c).Unverified() {
		log.Warn("the kubeconfig has insecure-skip-tls-verify: anyone on the way can read the credentials and forge samples")
	}
}
