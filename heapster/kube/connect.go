// Package kube connects to a Heapster in a Kubernetes cluster: through the
// apiserver's service proxy, with the credentials of a kubeconfig or of the pod's
// service account, or through a kubectl proxy. With client-go it makes an HTTP
// client and a URL for package heapster.
//
// Over the same connection it reads pods and namespaces from Kubernetes.
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

// Options tell where Heapster is. A zero value means the default.
type Options struct {
	// Kubeconfig is a file. Default the files in KUBECONFIG, or ~/.kube/config.
	Kubeconfig string
	// Context is a context of the kubeconfig. Default its current one.
	Context string
	// Server is the apiserver's URL, as in kubectl -s: usually a kubectl
	// proxy's. Default the kubeconfig's.
	Server string

	Namespace string // the namespace of Heapster's service. Default kube-system
	Service   string // the name of the service. Default heapster
	Scheme    string // http or https, as Heapster speaks. Default http
	Port      string // the service's port, by name or number. Default the port without a name

	// ProxyPath is the form of the apiserver's proxy path. Default Auto.
	ProxyPath ProxyPath

	UserAgent string // default client-go's
	// Concurrency is how many connections to a server without TLS are kept
	// open. (With TLS there is HTTP/2, which needs only one.) Default 25, as
	// in client-go.
	Concurrency int
	// Timeout and Tries are for the requests of Auto. Their defaults are in
	// [heapster.Options].
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

// Connection leads to a Heapster.
type Connection struct {
	// HTTP has no rate limiter: client-go's default allows only six requests a
	// second.
	HTTP     *http.Client
	Heapster *url.URL // for [heapster.New]
	API      *url.URL // the apiserver's own, for [NewLister]
	Way      failure.Way
}

// Connect connects to Heapster. With [Auto] it sends one or two requests to learn
// which proxy path has an answer; else it sends none. Its errors are package
// failure's, and [ConfigError].
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

// firstThatAnswers returns modern or legacy, whichever Heapster answers. If neither
// does, it returns modern's error, because newer apiservers do not know the other
// path.
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

// answered reports whether a server answered: with a refusal, or with something that
// Heapster does not send, such as a web page.
func answered(err error) bool {
	_, refused := errors.AsType[*failure.StatusError](err)
	_, odd := errors.AsType[*failure.ProtocolError](err)
	return refused || odd
}

// probe asks for the names of the cluster's metrics. Heapster always answers this,
// at least with an empty list.
func probe(ctx context.Context, hc *http.Client, ask heapster.Options, base *url.URL) error {
	client, err := heapster.New(hc, base, ask)
	if err != nil {
		return err
	}
	_, err = client.MetricNames(ctx, schema.ClusterEntity())
	return err
}

// check refuses names that no Kubernetes object can have: they would change the URL.
func (o Options) check() error {
	for _, name := range []string{o.Namespace, o.Service, o.Port} {
		if name != "" && len(validation.IsDNS1123Subdomain(name)) > 0 {
			return &ConfigError{Err: fmt.Errorf("%q cannot be the name of a namespace, a service or a port", name)}
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
