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

// DirectOptions tell how to reach a Heapster by its own URL. Files are PEM.
type DirectOptions struct {
	// CAFile holds the authorities to trust in the place of the system's.
	CAFile string
	// CertFile and KeyFile are the client's certificate and its key. They are
	// read again at each handshake, since they are renewed.
	CertFile, KeyFile string
	// TokenFile holds a bearer token. It is read again at each request, since
	// tokens rotate, and a kilobyte costs nothing beside a request.
	TokenFile string
	// Insecure leaves the server's certificate unchecked.
	Insecure bool
}

// MaxHeader is the longest header of an answer that is taken, in bytes, where
// heapstash makes the connection; client-go's take ten times as much.
const MaxHeader = 1 << 20

// DirectClient returns an HTTP client for [New] that needs no Kubernetes. It
// heeds HTTPS_PROXY, HTTP_PROXY and NO_PROXY and follows no redirect, so that
// the token goes to no other host. The error tells of files that are missing
// or wrong now.
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
		MaxIdleConnsPerHost: 64, // net/http keeps two unless told, and a pass uses more
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
		return nil, errors.New("client certificate: give the certificate and its key, both")
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

// tokenTransport sends the token of a file with each request.
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

// CloseIdleConnections is what http.Client's method of that name calls.
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
