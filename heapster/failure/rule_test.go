package failure_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"heapstash/heapster"
	"heapstash/heapster/failure"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

func TestRule(t *testing.T) {
	const modern = "/api/v1/namespaces/kube-system/services/http:heapster:80/proxy"
	const legacy = "/api/v1/proxy/namespaces/monitoring/services/heapster"
	for name, test := range map[string]struct {
		path string
		code int
		body string
		want failure.Rule // zero: no rule helps
	}{
		"account": {modern, 403, status("Forbidden", `services "http:heapster:80" is forbidden: User "system:serviceaccount:d:x" cannot get resource`),
			failure.Rule{Namespace: "kube-system", Resource: "services/proxy", Verb: "get", Name: "http:heapster:80", User: "system:serviceaccount:d:x"}},
		"legacy": {legacy, 403, status("Forbidden", `User "ann \"a\"" cannot proxy services in the namespace "monitoring".`),
			failure.Rule{Namespace: "monitoring", Resource: "services", Verb: "proxy", Name: "heapster", User: `ann "a"`}},
		"nobody named": {modern, 403, status("Forbidden", "no"),
			failure.Rule{Namespace: "kube-system", Resource: "services/proxy", Verb: "get", Name: "http:heapster:80"}},
		"anonymous":   {path: modern, code: 403, body: status("Forbidden", `User "system:anonymous" cannot get`)},
		"other path":  {path: "/x", code: 403, body: status("Forbidden", "no")},
		"no services": {path: "/api/v1/namespaces/kube-system/pods/heapster/proxy", code: 403, body: status("Forbidden", "no")},
		"text":        {path: modern, code: 403, body: "Forbidden"},
		"401":         {path: modern, code: 401, body: status("Unauthorized", "no")},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(test.code)
				io.WriteString(w, test.body)
			}))
			defer server.Close()
			_, err := heapstertest.NewClient(t, server.Client(), server.URL+test.path, heapster.Options{}).List(t.Context(), schema.Node, schema.ClusterEntity())
			var status *failure.StatusError
			if !errors.As(err, &status) {
				t.Fatal(err)
			}
			rule, ok := status.Rule()
			if ok != (test.want != failure.Rule{}) || ok && rule != test.want {
				t.Errorf("got %+v, %t; want %+v", rule, ok, test.want)
			}
		})
	}
}
