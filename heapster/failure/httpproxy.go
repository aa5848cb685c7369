package failure

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// connectRefusal is the text of an HTTP proxy's answer to CONNECT. net/http gives
// nothing else of the answer.
type connectRefusal string

func (e connectRefusal) Error() string {
	return fmt.Sprintf("the HTTP proxy answered %q and did not connect", string(e))
}

// asConnectRefusal recognizes net/http's error for such an answer: there was a
// connection, no TLS handshake began on it, and the error is only a text.
func asConnectRefusal(u *url.URL, err error, p *progress) error {
	if u.Scheme != "https" || !p.connected.Load() || p.handshakes.Load() > 0 ||
		fmt.Sprintf("%T", err) != "*errors.errorString" || err == io.EOF || err == io.ErrUnexpectedEOF {
		return err
	}
	return connectRefusal(err.Error())
}

// passes reports whether another try may help.
func (e connectRefusal) passes() bool {
	codes := []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	return slices.ContainsFunc(codes, func(code int) bool { return strings.EqualFold(string(e), http.StatusText(code)) })
}

func (e connectRefusal) hint(way Way) string {
	place := proxyPlace(way)
	switch {
	case strings.EqualFold(string(e), http.StatusText(http.StatusProxyAuthRequired)):
		return "the proxy requires credentials: write them as http://USER:PASSWORD@HOST:PORT in " + place + ", or name the host in NO_PROXY"
	case e.passes():
		return "the proxy in " + place + " does not reach the server: is the URL right? If the server can be reached without the proxy, name the host in NO_PROXY"
	default:
		return "the proxy in " + place + " does not allow CONNECT to that host and port: have it allowed, or name the host in NO_PROXY"
	}
}

// proxyHint is for a proxy that cannot be reached.
func proxyHint(op *net.OpError, way Way) string {
	if strings.Contains(op.Err.Error(), "tls: first record does not look like a TLS handshake") {
		return "the proxy does not speak TLS itself: begin its URL in " + proxyPlace(way) + " with http://"
	}
	return "the proxy in " + proxyPlace(way) + " cannot be reached: correct its URL, or name the host in NO_PROXY"
}

// proxyPlace names the place where a proxy is configured.
func proxyPlace(way Way) string {
	if way == ByKubeconfig || way == ByProxy {
		return "HTTPS_PROXY or HTTP_PROXY (or the kubeconfig's proxy-url)"
	}
	return "HTTPS_PROXY or HTTP_PROXY"
}
