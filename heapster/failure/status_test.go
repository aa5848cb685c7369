package failure_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"heapstash/heapster"
	"heapstash/heapster/failure"
	"heapstash/heapster/heapstertest"
	"heapstash/heapster/wire"
	"heapstash/schema"
)

func status(reason, message string) string {
	return fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":%q,"reason":%q,"code":0}`, message, reason)
}

func TestStatusError(t *testing.T) {
	const forbidden = `services "http:heapster:" is forbidden: User "system:serviceaccount:d:default" cannot get resource "services/proxy" in API group "" in the namespace "kube-system"`
	const unreached = "error trying to reach service: "
	for name, test := range map[string]struct {
		code          int
		body          string
		sentinel      error
		message, hint string
	}{
		"rbac": {403, status("Forbidden", forbidden), schema.ErrRefused, "the apiserver answered 403 Forbidden: services",
			`Role in namespace kube-system: {apiGroups: [""], resources: ["services/proxy"], verbs: ["get"], resourceNames: ["http:heapster:"]}`},
		"anonymous": {403, status("Forbidden", `User "system:anonymous" cannot get`), schema.ErrRefused, "403",
			"no credentials were sent"},
		"token": {401, status("Unauthorized", "Unauthorized"), schema.ErrRefused, "401 Unauthorized", "renew the token"},
		"service": {404, status("NotFound", `services "heapster" not found`), schema.ErrNotFound, `services "heapster" not found`,
			"--heapster-namespace and --heapster-service"},
		"legacy path": {404, status("NotFound", "the server could not find the requested resource"), schema.ErrNotFound, "404",
			"--heapster-proxy-path modern"},
		"endpoints": {503, status("ServiceUnavailable", `no endpoints available for service "heapster"`), schema.ErrUnreachable,
			"no endpoints available", "kubectl get pods"},
		"port": {503, status("ServiceUnavailable", `no service port "81" found for service "heapster"`), schema.ErrUnreachable,
			"no service port", "--heapster-port"},
		"backend": {503, status("", unreached+"dial tcp 10.99.0.2:8082: connect: connection refused"), schema.ErrUnreachable,
			"connection refused", "is it running"},
		"plain backend": {503, status("", unreached+"tls: first record does not look like a TLS handshake"), schema.ErrUnreachable,
			"first record", "--heapster-scheme http"},
		"apiserver busy": {429, status("TooManyRequests", "too many requests, please try again later"), schema.ErrUnreachable, "429",
			"lower --concurrency"},
		"apiserver odd": {422, status("Invalid", "odd"), schema.ErrProtocol, "422", ""},

		"kubectl proxy":        {403, "Forbidden\n", schema.ErrRefused, "answered 403 Forbidden", "--accept-hosts"},
		"old kubectl proxy":    {403, "<h3>Unauthorized</h3>", schema.ErrRefused, "403 Forbidden: Unauthorized", "--accept-hosts"},
		"kubectl proxy alone":  {502, "Error: 'dial tcp 127.0.0.1:6443'\nTrying to reach: 'https://x/api/v1/namespaces/kube-system/services/http:heapster:/proxy/api/v1/model/nodes/'", schema.ErrUnreachable, "502 Bad Gateway: Error: 'dial", "its kubeconfig"},
		"kubectl proxy 1.36":   {500, "dial tcp 127.0.0.1:6443: connect: connection refused", schema.ErrUnreachable, "connection refused", "its kubeconfig"},
		"heapster 404":         {404, "404: Page Not Found", schema.ErrNotFound, "answered 404 Not Found: 404: Page Not Found", "is it Heapster's service"},
		"heapster 400":         {400, "parsing time \"1\"\n", schema.ErrProtocol, "400 Bad Request: parsing time", ""},
		"heapster 500":         {500, "a\n\tb\n", schema.ErrUnreachable, "500 Internal Server Error: a b", "Heapster's log"},
		"front wants a log-in": {401, "", schema.ErrRefused, "401 Unauthorized", "renew the token"},
		"front wants another":  {403, "rbac: access denied", schema.ErrRefused, "access denied", "in front of the apiserver"},
		"http proxy":           {407, "", schema.ErrRefused, "407", "HTTPS_PROXY"},
		"url too long":         {414, "", schema.ErrProtocol, "414", "refuses long URLs"},
		"headers too long":     {431, "", schema.ErrProtocol, "431", "refuses long URLs"},
		"busy":                 {429, "slow down", schema.ErrUnreachable, "slow down", "lower --concurrency"},
		"web page":             {404, "<!DOCTYPE html>\n<html>", schema.ErrNotFound, "404 Not Found: a web page", "a dashboard"},
		"down page":            {503, " \n<html>down</html>", schema.ErrUnreachable, "503 Service Unavailable: a web page", "a dashboard"},
		"nothing":              {204, "", schema.ErrProtocol, "204 No Content", ""},
		"other json":           {400, `{"kind":"Pod","message":"x"}`, schema.ErrProtocol, `400 Bad Request: {"kind":"Pod"`, ""},
		"long":                 {400, strings.Repeat("long ", 1000), schema.ErrProtocol, "long ...", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := heapstertest.Serve(t, heapster.Options{Tries: 1, Way: failure.ByProxy}, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(test.code)
				io.WriteString(w, test.body)
			})
			_, err := c.List(t.Context(), schema.Node, schema.ClusterEntity())
			heapstertest.CheckError(t, err, test.sentinel, test.message, test.hint)
			var typed *failure.StatusError
			if !errors.As(err, &typed) || typed.Code != test.code || typed.FromAPIServer != strings.Contains(test.body, `"Status"`) {
				t.Errorf("got %+v", typed)
			}
		})
	}
}

func TestLegacyRule(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, status("Forbidden", "no"))
	}))
	defer server.Close()
	c := heapstertest.NewClient(t, server.Client(), server.URL+"/api/v1/proxy/namespaces/kube-system/services/heapster", heapster.Options{})
	_, err := c.List(t.Context(), schema.Pod, schema.NamespaceEntity("d"))
	heapstertest.CheckError(t, err, schema.ErrRefused, "403",
		`namespace kube-system: {apiGroups: [""], resources: ["services"], verbs: ["proxy"], resourceNames: ["heapster"]}`)

	c = heapstertest.NewClient(t, server.Client(), server.URL, heapster.Options{})
	_, err = c.List(t.Context(), schema.Pod, schema.NamespaceEntity("d"))
	heapstertest.CheckError(t, err, schema.ErrRefused, "403", "lacks a permission")
}

// kubectl proxy rejects names that begin with exec, anywhere in the path.
func TestKubectlProxyRejects(t *testing.T) {
	c := heapstertest.Serve(t, heapster.Options{}, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "Forbidden", http.StatusForbidden)
	})
	for _, e := range []schema.Entity{schema.PodEntity("d", "p"), schema.ContainerEntity("d", "p", "attacher")} {
		_, err := c.Series(t.Context(), e, "custom/exec_count", 0)
		heapstertest.CheckError(t, err, schema.ErrRefused, "403 Forbidden", "--reject-paths='")
	}
}

func TestStale(t *testing.T) {
	c := heapstertest.Serve(t, heapster.Options{Tries: 1}, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "No recent data", http.StatusInternalServerError)
	})
	heapstertest.CheckError(t, c.Healthz(t.Context()), schema.ErrUnreachable, "No recent data", "no new metrics for three minutes")
}

func TestProtocolError(t *testing.T) {
	for name, test := range map[string]struct {
		header, body, message, hint string
	}{
		"web page":      {"text/html; charset=utf-8", "hello", "a web page", "a dashboard"},
		"no header":     {"", "\ufeff\n <html>", "a web page", "a dashboard"},
		"other json":    {"", `{"paths":["/api"]}`, "JSON object where []string belongs", "is it Heapster"},
		"text":          {"", "ok", "not JSON: invalid character 'o'", "is it Heapster"},
		"more":          {"", `["a"]["b"]`, "more than one JSON value", "is it Heapster"},
		"cut":           {"", `["a","b`, "the answer ends early: unexpected EOF", "cuts answers short"},
		"nothing":       {"", ``, "the answer ends early", "cuts answers short"},
		"too long":      {"", `["` + strings.Repeat(`a","`, 1000) + `"]`, "an answer of more than 1 kB", "is it Heapster that answers?"},
		"not gzip":      {"gzip", `["a","b","c"]`, "not gzip", "is it Heapster"},
		"cut gzip":      {"gzip", "\x1f\x8b\x08", "the answer ends early", "cuts answers short"},
		"other packing": {"br", `["a"]`, `encoding "br"`, "is it Heapster"},
	} {
		t.Run(name, func(t *testing.T) {
			c := heapstertest.Serve(t, heapster.Options{Tries: 1, Limits: wire.Limits{Answer: 1000}}, func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(test.header, "/") {
					w.Header().Set("Content-Type", test.header)
				} else {
					w.Header().Set("Content-Type", "application/json")
					w.Header().Set("Content-Encoding", test.header)
				}
				io.WriteString(w, test.body)
			})
			_, err := c.List(t.Context(), schema.Node, schema.ClusterEntity())
			heapstertest.CheckError(t, err, schema.ErrProtocol, test.message, test.hint)
		})
	}
	t.Run("health", func(t *testing.T) {
		c := heapstertest.Serve(t, heapster.Options{}, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>") })
		heapstertest.CheckError(t, c.Healthz(t.Context()), schema.ErrProtocol, "a web page", "a dashboard")
	})
	t.Run("items", func(t *testing.T) {
		c := heapstertest.Serve(t, heapster.Options{}, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"items":[{"metrics":[]}]}`) })
		_, err := c.PodSeries(t.Context(), "d", []string{"a", "b"}, "uptime", 0)
		heapstertest.CheckError(t, err, schema.ErrProtocol, "1 items where 2 were asked for", "is it Heapster")
	})
}

func TestRedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("followed, with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	c := heapstertest.Serve(t, heapster.Options{}, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/login", http.StatusFound)
	})
	_, err := c.List(t.Context(), schema.Node, schema.ClusterEntity())
	heapstertest.CheckError(t, err, schema.ErrProtocol, "302 Found to "+elsewhere.URL+"/login", "redirects are not followed")
}

func TestTransportError(t *testing.T) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "[]") })
	plain := httptest.NewServer(answer)
	defer plain.Close()
	secure := httptest.NewUnstartedServer(answer)
	secure.Config.ErrorLog = heapstertest.Quiet()
	secure.StartTLS()
	defer secure.Close()
	gone := httptest.NewServer(answer)
	gone.Close()
	// A TLS server that does not recognize HTTP, unlike Go's.
	deaf := listen(t, func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		io.WriteString(conn, "\x15\x03\x01\x00\x02\x02\x0a")
	})
	abrupt := listen(t, func(conn net.Conn) { conn.Read(make([]byte, 1)) })

	trusting := heapster.DirectOptions{CAFile: heapstertest.CertificateFile(t, secure.Certificate())}
	for name, test := range map[string]struct {
		opts          heapster.DirectOptions
		url           string
		sentinel      error
		message, hint string
	}{
		"trusted":           {trusting, secure.URL, nil, "", ""},
		"insecure":          {heapster.DirectOptions{Insecure: true}, secure.URL, nil, "", ""},
		"unknown authority": {heapster.DirectOptions{}, secure.URL, schema.ErrUnreachable, "unknown authority", "--ca-file"},
		"other name": {trusting, strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), schema.ErrUnreachable,
			"certificate is", "other names"},
		"https to http": {heapster.DirectOptions{}, strings.Replace(plain.URL, "http:", "https:", 1), schema.ErrUnreachable,
			"HTTP response to HTTPS client", "begin the URL with http://"},
		"http to https": {heapster.DirectOptions{}, strings.Replace(secure.URL, "https:", "http:", 1), schema.ErrProtocol,
			"400 Bad Request", "begin the URL with https://"},
		"http to tls": {heapster.DirectOptions{}, "http://" + deaf, schema.ErrUnreachable,
			"malformed HTTP response", "begin the URL with https://"},
		"refused": {heapster.DirectOptions{}, gone.URL, schema.ErrUnreachable, "connection refused", "that Heapster is running"},
		"apiserver refused": {heapster.DirectOptions{}, strings.Replace(gone.URL, "http:", "https:", 1) + "/api/v1/namespaces/d/services/http:heapster:/proxy",
			schema.ErrUnreachable, "connection refused", "is the apiserver running"},
		"kubectl proxy refused": {heapster.DirectOptions{}, gone.URL + "/api/v1/proxy/namespaces/d/services/heapster",
			schema.ErrUnreachable, "connection refused", "is the kubectl proxy running"},
		"abrupt":  {heapster.DirectOptions{}, "http://" + abrupt, schema.ErrUnreachable, "", "closed the connection"},
		"no host": {heapster.DirectOptions{}, "http://heapster..invalid", schema.ErrUnreachable, "no such host", "does not resolve"},
		"secrets": {heapster.DirectOptions{}, strings.Replace(gone.URL, "//", "//user:secret@", 1), schema.ErrUnreachable,
			"http://127.0.0.1", "no server listens there"},
	} {
		t.Run(name, func(t *testing.T) {
			hc, err := heapster.DirectClient(test.opts)
			if err != nil {
				t.Fatal(err)
			}
			c := heapstertest.NewClient(t, hc, test.url, heapster.Options{Tries: 1})
			_, err = c.List(t.Context(), schema.Node, schema.ClusterEntity())
			if test.sentinel == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			heapstertest.CheckError(t, err, test.sentinel, test.message, test.hint)
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%v tells the password", err)
			}
		})
	}
}

// listen serves each connection with handle, then closes it.
func listen(t *testing.T, handle func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				handle(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

func TestErrorsShortenURLs(t *testing.T) {
	c := heapstertest.Serve(t, heapster.Options{}, func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })
	var pods []string
	for i := range 200 {
		pods = append(pods, fmt.Sprintf("pod-%d", i))
	}
	_, err := c.PodSeries(t.Context(), "d", pods, "uptime", 1506496140)
	heapstertest.CheckError(t, err, schema.ErrNotFound, "/metrics/uptime?start=", "no such path")
	if len(err.Error()) > 400 {
		t.Errorf("%d bytes: %v", len(err.Error()), err)
	}
}
