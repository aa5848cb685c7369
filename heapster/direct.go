package heapster

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"heapstash/heapster/failure"
)

// DirectOptions are for a Heapster at its own URL. Certificates and keys are PEM.
type DirectOptions struct {
	// CAFile has the authorities to trust instead of the system's.
	CAFile string
	// CertFile and KeyFile are the client's certificate and key. They are read
	// at each handshake, because they are renewed.
	CertFile, KeyFile string
	// TokenFile has a bearer token. It is read at each request, because tokens
	// rotate and reading is cheap.
	TokenFile string
	// Insecure switches off the check of the server's certificate.
	Insecure bool
}

// MaxHeader is the longest header of an answer, in bytes, over connections that
// heapstash makes itself. Client-go's connections allow ten times as much.
const MaxHeader = 1 << 20

// DirectClient returns an HTTP client for [New] that needs no Kubernetes. It uses
// HTTPS_PROXY, HTTP_PROXY and NO_PROXY. It follows no redirect, so that the token
// reaches no other host. The error is for files that are missing or wrong now.
func DirectClient(o DirectOptions) (*http.Client, error) {
	config, err := o.tlsConfig()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 64, // net/http's default is two, and a pass uses more
		IdleConnTimeout:     90 * time.Second,

		MaxResponseHeaderBytes: MaxHeader,
	}
	client := &http.Client{Transport: transport, CheckRedirect: refuseRedirect}
	if o.TokenFile != "" {
		if _, err := readToken(o.TokenFile); err != nil {
			return nil, err
		}
		client.Transport = &tokenTransport{file: o.TokenFile, next: transport}
	}
	return client, nil
}

func (o DirectOptions) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{InsecureSkipVerify: o.Insecure}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("CA file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA file: no PEM certificate in %s", o.CAFile)
		}
	}
	switch {
	case o.CertFile == "" && o.KeyFile == "":
		return config, nil
	case o.CertFile == "" || o.KeyFile == "":
		return nil, errors.New("client certificate: give both the certificate and its key")
	}
	read := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		return &pair, nil
	}
	if _, err := read(); err != nil {
		return nil, err
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return read() }
	return config, nil
}

// tokenTransport sends the token in a file with each request.
type tokenTransport struct {
	file string
	next *http.Transport
}

func (t *tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	token, err := readToken(t.file)
	if err != nil {
		return nil, fmt.Errorf(failure.GettingCredentials+"%w", err)
	}
	req = req.Clone(req.Context()) // a RoundTripper must leave the request as it is
	req.Header.Set("Authorization", "Bearer "+token)
	return t.next.RoundTrip(req)
}

// CloseIdleConnections is called by http.Client's method of that name.
func (t *tokenTransport) CloseIdleConnections() { t.next.CloseIdleConnections() }

func readToken(file string) (string, error) {
	token, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	token = bytes.TrimSpace(token)
	if len(token) == 0 || bytes.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("token file: %s does not hold one token", file)
	}
	return string(token), nil
}
