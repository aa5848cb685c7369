// Package kube finds the way to a Heapster that runs in a Kubernetes cluster:
// through the apiserver's service proxy, with the credentials of a kubeconfig
// or of the pod's service account, or through a kubectl proxy. All of that is
// client-go's doing; what comes out is an HTTP client and a URL for package
// heapster.
//
// By the same way it reads what Kubernetes itself knows of pods and namespaces.
package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"heapstash/heapster"
	"heapstash/heapster/failure"
	"heapstash/schema"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"
)

// Options tell where Heapster is. Each zero value stands for the default.
type Options struct {
	// Kubeconfig is a file in the place of those that KUBECONFIG lists, or of
	// ~/.kube/config.
	Kubeconfig string
	// Context is the kubeconfig's context in the place of its current one.
	Context string
	// Server is the apiserver's URL in the place of the kubeconfig's, as for
	// kubectl -s: a kubectl proxy's, mostly.
	Server string

	Namespace string // of Heapster's service. Default kube-system
	Service   string // its name. Default heapster
	Scheme    string // http or https, which Heapster speaks. Default http
	Port      string // of the service, name or number. Default the one without a name

	// ProxyPath is which of the apiserver's proxy paths to take. Default Auto.
	ProxyPath ProxyPath

	UserAgent string // default that of client-go
	// Concurrency is how many connections to keep open to a server without
	// TLS; more than one are not needed for HTTP/2. Default 25, as client-go
	// keeps with TLS.
	Concurrency int
	// Timeout and Tries are for the requests that Auto sends. Their defaults
	// are those of [heapster.Options].
	Timeout time.Duration
	Tries   int
}

func (o Options) withDefaults() Options {
	o.Namespace = cmp.Or(o.Namespace, "kube-system")
	o.Service = cmp.Or(o.Service, "heapster")
	o.Scheme = cmp.Or(o.Scheme, "http")
	o.ProxyPath = cmp.Or(o.ProxyPath, Auto)
	o.UserAgent = cmp.Or(o.UserAgent, rest.DefaultKubernetesUserAgent())
	o.Concurrency = cmp.Or(o.Concurrency, 25)
	return o
}

// Connection is a way in.
type Connection struct {
	// HTTP has no rate limiter: client-go's default one would let six
	// requests a second pass.
	HTTP     *http.Client
	Heapster *url.URL // for [heapster.New]
	API      *url.URL // the apiserver's own, for [NewLister]
	Way      failure.Way
}

// Connect finds the way to Heapster.
//
// With [Auto] it sends a request or two to see which proxy path answers;
// otherwise it sends none. Errors are package heapster's or a [ConfigError].
func Connect(ctx context.Context, opts Options) (Connection, error) {
	silenceClientGo()
	opts = opts.withDefaults()
	if err := opts.check(); err != nil {
		return Connection{}, err
	}
	config, err := opts.restConfig()
	if err != nil {
		return Connection{}, err
	}
	hc, err := httpClient(config)
	if err != nil {
		return Connection{}, newConfigError(err)
	}
	server, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return Connection{}, newConfigError(err)
	}
	ask := heapster.Options{UserAgent: opts.UserAgent, Way: opts.way(server), Timeout: opts.Timeout, Tries: opts.Tries}
	base := server.JoinPath(opts.proxyPath(Modern))
	legacy := server.JoinPath(opts.proxyPath(Legacy))
	switch opts.ProxyPath {
	case Legacy:
		base = legacy
	case Auto:
		if base, err = firstThatAnswers(ctx, hc, ask, base, legacy); err != nil {
			return Connection{}, err
		}
	}
	return Connection{HTTP: hc, Heapster: base, API: server, Way: ask.Way}, nil
}

// firstThatAnswers returns modern if Heapster answers there, else legacy if it
// answers there, else the error of modern, which says more: today's apiservers
// know nothing of the other path.
func firstThatAnswers(ctx context.Context, hc *http.Client, ask heapster.Options, modern, legacy *url.URL) (*url.URL, error) {
	err := probe(ctx, hc, ask, modern)
	if err == nil {
		return modern, nil
	}
	if answered(err) && probe(ctx, hc, ask, legacy) == nil {
		return legacy, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, err
}

// answered reports an error of a server that is there: it refused, or answered
// with what Heapster does not send, such as a web page.
func answered(err error) bool {
	_, refused := errors.AsType[*failure.StatusError](err)
	_, odd := errors.AsType[*failure.ProtocolError](err)
	return refused || odd
}

// probe asks for the names of the cluster's metrics, which Heapster always
// answers, if only with an empty list.
func probe(ctx context.Context, hc *http.Client, ask heapster.Options, base *url.URL) error {
	client, err := heapster.New(hc, base, ask)
	if err != nil {
		return err
	}
	_, err = client.MetricNames(ctx, schema.ClusterEntity())
	return err
}

// check reports names that no Kubernetes object can have, which would end up
// elsewhere in the URL.
func (o Options) check() error {
	for _, name := range []string{o.Namespace, o.Service, o.Port} {
		if name != "" && len(validation.IsDNS1123Subdomain(name)) > 0 {
			return &ConfigError{Err: fmt.Errorf("%q is no name of a namespace, a service or a port", name)}
		}
	}
	if o.Scheme != "http" && o.Scheme != "https" {
		return &ConfigError{Err: fmt.Errorf("scheme %q is neither http nor https", o.Scheme)}
	}
	switch o.ProxyPath {
	case Modern, Legacy, Auto:
		return nil
	default:
		return &ConfigError{Err: fmt.Errorf("proxy path %q is none of %s, %s, %s", o.ProxyPath, Modern, Legacy, Auto)}
	}
}
