package kube

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"

	"heapstash/heapster/failure"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	_ "k8s.io/client-go/plugin/pkg/client/auth/oidc" // the only auth-provider that client-go still has
	"k8s.io/client-go/rest"
)

// authProviders tells errors of an auth-provider, which may first ask its issuer for
// a token, from errors of the request itself. client-go returns both in the same
// form.
//
// The provider runs between two round trippers of ours: an error before the inner
// one is reached is the provider's.
type authProviders struct {
	next    http.RoundTripper
	secrets *strings.Replacer // removes what an issuer may repeat in an error
}

type authenticatedKey struct{}

// RoundTrip is safe for concurrent use, as its next one is.
func (a *authProviders) RoundTrip(req *http.Request) (*http.Response, error) {
	var authenticated atomic.Bool
	resp, err := a.next.RoundTrip(req.WithContext(context.WithValue(req.Context(), authenticatedKey{}, &authenticated)))
	if err != nil && !authenticated.Load() {
		return nil, errors.New(failure.GettingCredentials + a.secrets.Replace(err.Error()))
	}
	return resp, err
}

// CloseIdleConnections is called by http.Client's method of that name.
func (a *authProviders) CloseIdleConnections() { utilnet.CloseIdleConnectionsFor(a.next) }

// authenticated is the inner round tripper.
type authenticated struct{ next http.RoundTripper }

func (a authenticated) RoundTrip(req *http.Request) (*http.Response, error) {
	if reached, ok := req.Context().Value(authenticatedKey{}).(*atomic.Bool); ok {
		reached.Store(true)
	}
	return a.next.RoundTrip(req)
}

// WrappedRoundTripper lets client-go find the connections below.
func (a authenticated) WrappedRoundTripper() http.RoundTripper { return a.next }

// httpClient returns the client for the configuration, without a rate limiter.
func httpClient(config *rest.Config) (*http.Client, error) {
	if config.AuthProvider == nil {
		return rest.HTTPClientFor(config)
	}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return authenticated{next} })
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	var secrets []string
	for _, key := range []string{"id-token", "refresh-token", "client-secret"} {
		if secret := config.AuthProvider.Config[key]; secret != "" {
			secrets = append(secrets, secret, "[redacted]")
		}
	}
	client.Transport = &authProviders{client.Transport, strings.NewReplacer(secrets...)}
	return client, nil
}
