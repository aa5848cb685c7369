package failure

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// connectRefusal is an HTTP proxy's answer to CONNECT, of which net/http hands
// out the words alone.
type connectRefusal string

func (e connectRefusal) Error() string {
	return fmt.Sprintf("the HTTP proxy answered %q and did not connect", string(e))
}

// asConnectRefusal tells net/http's error for it by what it is not: there was a
// connection, no TLS handshake began on it, and the error is a text alone.
func asConnectRefusal(u *url.URL, err error, p *progress) error {
	if u.Scheme != "https" || !p.connected.Load() || p.handshakes.Load() > 0 ||
		fmt.Sprintf("%T", err) != "*errors.errorString" || err == io.EOF || err == io.ErrUnexpectedEOF {
		return err
	}
	return connectRefusal(err.Error())
}

// passes reports that another try may help.
func (e connectRefusal) passes() bool {
	for _, code := range []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout} {
		if strings.EqualFold(string(e), http.StatusText(code)) {
			return true
		}
	}
	return false
}

func (e connectRefusal) hint(way Way) string {
	place := proxyPlace(way)
	switch {
	case strings.EqualFold(string(e), http.StatusText(http.StatusProxyAuthRequired)):
		return "the proxy wants credentials: write them as http://USER:PASSWORD@HOST:PORT in " + place + ", or name the host in NO_PROXY"
	case e.passes():
		return "the proxy in " + place + " does not reach the server: is the URL right? Or name the host in NO_PROXY, if it can be reached without"
	default:
		return "the proxy in " + place + " does not let CONNECT through to that host and port: have it allowed, or name the host in NO_PROXY"
	}
}

// proxyHint is for a proxy to which there is no connection.
func proxyHint(op *net.OpError, way Way) string {
	if strings.Contains(op.Err.Error(), "tls: first record does not look like a TLS handshake") {
		return "the proxy does not speak TLS itself: begin its URL in " + proxyPlace(way) + " with http://"
	}
	return "the proxy in " + proxyPlace(way) + " cannot be reached: correct its URL, or name the host in NO_PROXY"
}

// proxyPlace is where a proxy is configured.
func proxyPlace(way Way) string {
	if way == ByKubeconfig || way == ByProxy {
		return "HTTPS_PROXY or HTTP_PROXY (or the kubeconfig's proxy-url)"
	}
	return "HTTPS_PROXY or HTTP_PROXY"
}
