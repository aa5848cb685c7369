package failure_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"heapstash/heapster"
	"heapstash/heapster/failure"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

// otherWays are flags that the way does not have.
var otherWays = map[failure.Way][]string{
	failure.ByURL:        {"--server", "--heapster-scheme", "--heapster-port", "--heapster-namespace", "--heapster-service", "--heapster-proxy-path", "--context"},
	failure.ByKubeconfig: {"--token-file", "--client-cert-file", "--client-key-file", "--ca-file"},
}

// TestOldAnswers has the exact answers of apiservers and proxies of 2016 to 2018.
func TestOldAnswers(t *testing.T) {
	const (
		modern  = "/api/v1/namespaces/kube-system/services/http:heapster:/proxy"
		secure  = "/api/v1/namespaces/kube-system/services/https:heapster:/proxy"
		legacy  = "/api/v1/proxy/namespaces/kube-system/services/heapster"
		rancher = "/k8s/clusters/c-x1/api/v1/namespaces/kube-system/services/http:heapster:/proxy"
		url     = failure.ByURL
		kube    = failure.ByKubeconfig
	)
	role := func(name string) string {
		return `Role in namespace kube-system: {apiGroups: [""], resources: ["services/proxy"], verbs: ["get"], resourceNames: ["` + name + `"]}`
	}
	tried := func(fault, url string) string {
		return "Error: '" + fault + "'\nTrying to reach: '" + url + "/api/v1/model/metrics/'"
	}
	const pod = "http://10.2.0.9:8082"
	const refused = "dial tcp 10.2.0.9:8082: getsockopt: connection refused"
	endpoints := func(name string) string {
		return status("ServiceUnavailable", `no endpoints available for service "`+name+`"`)
	}
	for name, test := range map[string]struct {
		way           failure.Way
		path          string
		code          int
		header, body  string // a header "Name: value"
		sentinel      error
		message, hint string
	}{
		// The service proxy of Kubernetes 1.2 to 1.18 does not reach a pod.
		"pod refuses":           {kube, modern, 503, "", tried(refused, pod), schema.ErrUnreachable, "the apiserver answered 503 Service Unavailable: Error: 'dial tcp", "does not reach Heapster's pod: is it running, and are --heapster-port"},
		"pod refuses, legacy":   {kube, legacy, 503, "", tried(refused, pod), schema.ErrUnreachable, "the apiserver answered 503", "does not reach Heapster's pod"},
		"pod refuses, url":      {url, modern, 503, "", tried(refused, pod), schema.ErrUnreachable, "the apiserver answered 503", "the port in the URL right"},
		"pod refuses, prefix":   {kube, rancher, 503, "", tried(refused, pod), schema.ErrUnreachable, "the apiserver answered 503", "does not reach Heapster's pod"},
		"pod silent":            {kube, modern, 503, "", tried("dial tcp 10.2.0.9:8082: i/o timeout", pod), schema.ErrUnreachable, "i/o timeout", "no route to Heapster's pod"},
		"pod far":               {kube, modern, 503, "", tried("dial tcp 10.2.0.9:8082: getsockopt: no route to host", pod), schema.ErrUnreachable, "no route", "the route and the firewall to the pod network"},
		"tunnels":               {kube, modern, 503, "", tried("No SSH tunnels currently open. Were the targets able to accept an ssh-key for user \"gke-1\"?", pod), schema.ErrUnreachable, "SSH tunnels", "tunnels to the nodes are down"},
		"pod speaks TLS":        {kube, modern, 503, "", tried(`malformed HTTP response "\x15\x03\x01\x00\x02\x02"`, pod), schema.ErrUnreachable, "malformed HTTP response", "--heapster-scheme https"},
		"pod speaks TLS, url":   {url, modern, 503, "", tried(`net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15\x03\x01\x00\x02\x02"`, pod), schema.ErrUnreachable, "malformed", "spell the service https:heapster: in the URL"},
		"pod speaks no TLS":     {kube, secure, 503, "", tried("tls: oversized record received with length 20527", "https://10.2.0.9:8082"), schema.ErrUnreachable, "oversized", "--heapster-scheme http"},
		"pod speaks no TLS, 2":  {kube, secure, 503, "", tried("tls: first record does not look like a TLS handshake", "https://10.2.0.9:8082"), schema.ErrUnreachable, "first record", "--heapster-scheme http"},
		"pod speaks no TLS, 3":  {kube, secure, 503, "", status("ServiceUnavailable", "error trying to reach service: http: server gave HTTP response to HTTPS client"), schema.ErrUnreachable, "HTTPS client", "--heapster-scheme http"},
		"tls wanted in text":    {kube, modern, 400, "", "Client sent an HTTP request to an HTTPS server.\n", schema.ErrProtocol, "400", "--heapster-scheme https"},
		"pod refuses, hidden":   {url, "", 503, "", tried(refused, pod), schema.ErrUnreachable, "answered 503", "does not reach Heapster's pod: is it running, and does the server in front of the apiserver"},
		"pod's TLS, hidden":     {url, "", 503, "", tried(`malformed HTTP response "\x15\x03\x01\x00\x02\x02"`, pod), schema.ErrUnreachable, "malformed", "the server in front of the apiserver has to ask for the service as https:NAME:PORT"},
		"no TLS, hidden":        {url, "", 503, "", status("ServiceUnavailable", "error trying to reach service: http: server gave HTTP response to HTTPS client"), schema.ErrUnreachable, "HTTPS client", "as http:NAME:PORT"},
		"kubectl proxy, hidden": {url, "", 502, "", tried("dial tcp 10.0.0.1:6443: getsockopt: connection refused", "https://10.0.0.1:6443"+modern), schema.ErrUnreachable, "answered 502", "kubectl proxy cannot reach its apiserver"},
		"kubectl proxy, a list": {kube, "", 502, "", "Error: 'dial tcp 10.0.0.1:6443: getsockopt: connection refused'\nTrying to reach: 'https://10.0.0.1:6443/api/v1/nodes'", schema.ErrUnreachable, "answered 502", "kubectl proxy cannot reach its apiserver"},
		"kubectl proxy alone":   {kube, modern, 502, "", tried("dial tcp 10.0.0.1:6443: getsockopt: connection refused", "https://10.0.0.1:6443"+modern), schema.ErrUnreachable, "answered 502", "kubectl proxy cannot reach its apiserver"},

		// Authentication and authorization in text.
		"forbidden 1.2":         {kube, modern, 403, "", `Forbidden: "` + modern + `/api/v1/model/metrics/"`, schema.ErrRefused, "the apiserver answered 403", role("http:heapster:")},
		"forbidden 1.2, url":    {url, modern, 403, "", `Forbidden: "` + modern + `/api/v1/model/metrics/"`, schema.ErrRefused, "the apiserver answered 403", role("http:heapster:")},
		"forbidden 1.2, legacy": {kube, legacy, 403, "", `Forbidden: "` + legacy + `/api/v1/model/metrics/"`, schema.ErrRefused, "the apiserver answered 403", `resources: ["services"], verbs: ["proxy"], resourceNames: ["heapster"]`},
		"forbidden 1.5":         {kube, modern, 403, "", `User "a" cannot get services/proxy in the namespace "kube-system".: "No policy matched."`, schema.ErrRefused, "the apiserver answered 403", role("http:heapster:") + ", and bind that to the user; where the apiserver runs without RBAC"},
		"anonymous 1.5":         {kube, modern, 403, "", `User "system:anonymous" cannot get services/proxy in the namespace "kube-system".`, schema.ErrRefused, "403", "a kubeconfig whose context has a user"},
		"anonymous 1.5, url":    {url, modern, 403, "", `User "system:anonymous" cannot get services/proxy in the namespace "kube-system".`, schema.ErrRefused, "403", "give --token-file"},
		"unauthorized":          {kube, modern, 401, "", "Unauthorized\n", schema.ErrRefused, "the apiserver answered 401 Unauthorized", "check the user in the kubeconfig"},
		"unauthorized, url":     {url, modern, 401, "", "Unauthorized\n", schema.ErrRefused, "the apiserver answered 401 Unauthorized", "renew the token in --token-file"},
		"unauthorized, https":   {kube, secure, 401, "", "Unauthorized\n", schema.ErrRefused, "401", "--tls-client-ca"},
		"unauthorized, basic":   {kube, modern, 401, `WWW-Authenticate: Basic realm="kubernetes-master"`, "Unauthorized\n", schema.ErrRefused, "401", "check the user in the kubeconfig"},
		"unauthorized, list":    {kube, "", 401, "", "Unauthorized\n", schema.ErrRefused, "the apiserver answered 401", "check the user in the kubeconfig"},

		// Ports with names.
		"no pod ready":      {kube, modern, 503, "", endpoints("heapster"), schema.ErrUnreachable, "no endpoints", "no pod of the service is ready"},
		"port does not fit": {kube, modern, 503, "", endpoints("http:heapster:"), schema.ErrUnreachable, "no endpoints", "no ready pod has that port: the apiserver compares the port's name, and an empty name fits only a port without a name: choose a port of the service with --heapster-port"},
		"named port wrong":  {kube, strings.Replace(modern, "heapster:", "heapster:web", 1), 503, "", endpoints("http:heapster:web"), schema.ErrUnreachable, "no endpoints", `"web" is not a port's name`},
		"port, bare":        {kube, legacy, 503, "", endpoints("heapster"), schema.ErrUnreachable, "no endpoints", "no pod of the service is ready: look for Heapster's with `kubectl get pods` in that namespace; if one is ready, the apiserver compares the port's name"},
		"port, url":         {url, modern, 503, "", endpoints("http:heapster:"), schema.ErrUnreachable, "no endpoints", "in the URL: services/http:NAME:PORT"},
		"no such port, url": {url, modern, 503, "", status("ServiceUnavailable", `no service port 81 found for service "heapster"`), schema.ErrUnreachable, "no service port", "in the URL: services/http:NAME:PORT"},

		// Servers in front of Heapster or the apiserver.
		"front, 401":        {url, "", 401, "", "", schema.ErrRefused, "401", "--token-file"},
		"front, 401, basic": {url, "", 401, `WWW-Authenticate: Basic realm="heapster"`, "<html>401</html>", schema.ErrRefused, "401", "USER:PASSWORD@"},
		"front, kerberos":   {url, "", 401, "WWW-Authenticate: Negotiate", "<html>401</html>", schema.ErrRefused, "401", "Kerberos"},
		"front, 403":        {url, "", 403, "", "rbac: access denied", schema.ErrRefused, "403", "--token-file"},
		"front, 403, kube":  {kube, modern, 403, "", "rbac: access denied", schema.ErrRefused, "answered 403", "in front of the apiserver"},
		"page":              {url, "", 404, "", "<html>", schema.ErrNotFound, "a web page", "give Heapster's own URL"},
		"page, kube":        {kube, modern, 404, "", "<html>", schema.ErrNotFound, "a web page", "is the address in the kubeconfig or --server the apiserver's"},
		"nginx 502":         {url, "", 502, "Content-Type: text/html", "<html><head><title>502 Bad Gateway</title></head>", schema.ErrUnreachable, "502 Bad Gateway: a web page", "a gateway's page: the server in front of Heapster"},
		"haproxy 504":       {kube, modern, 504, "Content-Type: text/html", "<html><body><h1>504 Gateway Time-out</h1>", schema.ErrUnreachable, "504", "a gateway's page: the server in front of the apiserver"},
		"log-in, url":       {url, "", 302, "Location: https://sso.example/login?x=1", "", schema.ErrProtocol, "302 Found to https://sso.example/login", "give the target's URL"},
		"log-in, kube":      {kube, modern, 302, "Location: https://sso.example/login?x=1", "", schema.ErrProtocol, "302 Found to https://sso.example/login", "renew the credentials in the kubeconfig"},
		"kubectl proxy":     {kube, modern, 403, "", "Forbidden", schema.ErrRefused, "answered 403", "localhost only"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if name, value, ok := strings.Cut(test.header, ": "); ok {
					w.Header().Set(name, value)
				}
				w.WriteHeader(test.code)
				io.WriteString(w, test.body)
			}))
			defer server.Close()
			c := heapstertest.NewClient(t, server.Client(), server.URL+test.path, heapster.Options{Tries: 1, Way: test.way})
			_, err := c.MetricNames(t.Context(), schema.ClusterEntity())
			heapstertest.CheckError(t, err, test.sentinel, test.message, test.hint)
			for _, flag := range otherWays[test.way] {
				if hint := schema.HintOf(err); strings.Contains(hint, flag) {
					t.Errorf("the hint names %s, which is not of this way in: %s", flag, hint)
				}
			}
		})
	}
}

// TestFilterHints: a filter on the way lets some paths pass.
func TestFilterHints(t *testing.T) {
	for name, test := range map[string]struct {
		pod  string // that is refused
		code int
		body string
		hint string
	}{
		"run":     {"runner-1", 403, "<h3>Unauthorized</h3>", `paths that look like run, here for "runner-1": start it with --reject-paths='`},
		"exec":    {"exec-1", 403, "Forbidden\n", `paths that look like exec, here for "exec-1"`},
		"attach":  {"attach-1", 403, "Forbidden\n", `paths that look like attach, here for "attach-1"`},
		"another": {"web-1", 403, "Forbidden\n", "other paths have good answers"},
		"400":     {"web-1", 400, "", "other paths have good answers, so a filter on the way rejects this one"},
		"405":     {"web-1", 405, "", "other paths have good answers, so a filter on the way rejects this one"},
		"413":     {"web-1", 413, "", "other paths have good answers, so a filter on the way rejects this one"},
		"404":     {"web-1", 404, "", "other paths have good answers: the service is gone"},
		"page":    {"web-1", 403, "<html>The requested URL was rejected", "other paths have good answers"},
	} {
		t.Run(name, func(t *testing.T) {
			c := heapstertest.Serve(t, heapster.Options{Tries: 1}, func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, test.pod) {
					w.WriteHeader(test.code)
					io.WriteString(w, test.body)
					return
				}
				io.WriteString(w, "[]")
			})
			if _, err := c.List(t.Context(), schema.Node, schema.ClusterEntity()); err != nil {
				t.Fatal(err)
			}
			_, err := c.PodSeries(t.Context(), "d", []string{test.pod}, "uptime", 0)
			sentinel := schema.ErrProtocol
			switch test.code {
			case http.StatusForbidden:
				sentinel = schema.ErrRefused
			case http.StatusNotFound:
				sentinel = schema.ErrNotFound
			}
			heapstertest.CheckError(t, err, sentinel, strconv.Itoa(test.code), test.hint)
		})
	}
}
