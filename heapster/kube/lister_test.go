package kube_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"heapstash/heapster"
	"heapstash/heapster/kube"
	"heapstash/schema"
)

// Shortened bodies of Kubernetes 1.20: a page with the metadata of pods, and one with
// whole pods.
const (
	podsPage1 = `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1",
"metadata":{"resourceVersion":"812","continue":"eyJ2IjoibWV0YS5rOHMuaW8vdjEi","remainingItemCount":4},"items":[
{"metadata":{"name":"web-6d4b75cb6d-abcde","generateName":"web-6d4b75cb6d-","namespace":"shop","uid":"u-web","resourceVersion":"700",
 "creationTimestamp":"2021-03-01T10:00:00Z","labels":{"pod-template-hash":"6d4b75cb6d","app":"web","app-tier":"front"},
 "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-6d4b75cb6d","uid":"u-rs","controller":true,"blockOwnerDeletion":true}],
 "managedFields":[{"manager":"kubelet","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:status":{}}}]}},
{"metadata":{"name":"web-0","namespace":"data","uid":"u-web-0","labels":{"app":"web"},
 "ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"x","uid":"u-x"},
  {"apiVersion":"apps/v1","kind":"StatefulSet","name":"web","uid":"u-sts","controller":true}]}}]}`
	podsPage2 = `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"812"},"items":[
{"metadata":{"name":"report-27000-x1","namespace":"shop","uid":"u-report",
 "ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"report-27000","uid":"u-job","controller":true}]},
 "spec":{"nodeName":"n2","containers":[{"name":"sum","image":"sum:1","env":[{"name":"A","value":"b"}]},{"name":"mail","image":"mail:2"}]},
 "status":{"phase":"Running"}},
{"metadata":{"name":"once-y2","namespace":"shop","uid":"u-once",
 "ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"once","uid":"u-once-job","controller":true}]}},
{"metadata":{"name":"kube-proxy-n1","namespace":"kube-system","uid":"u-static",
 "ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n1","uid":"u-n1","controller":true}]}},
{"metadata":{"name":"alone","namespace":"shop","uid":"u-alone"},"spec":{"nodeName":"n1","containers":[{"name":"c","image":"i"}]}}]}`
	replicaSets = `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{},"items":[
{"metadata":{"name":"web-old","namespace":"shop","uid":"u-other"}},
{"metadata":{"name":"web-6d4b75cb6d","namespace":"shop","uid":"u-rs",
 "ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":"u-d","controller":true}]}}]}`
	jobs = `{"kind":"JobList","apiVersion":"batch/v1","metadata":{},"items":[
{"metadata":{"name":"report-27000","namespace":"shop","uid":"u-job",
 "ownerReferences":[{"apiVersion":"batch/v1beta1","kind":"CronJob","name":"report","uid":"u-cj","controller":true}]},"spec":{"parallelism":1}},
{"metadata":{"name":"once","namespace":"shop","uid":"u-once-job"}}]}`
	forbidden = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",
"message":"jobs.batch is forbidden: User \"u\" cannot list resource \"jobs\" in API group \"batch\" at the cluster scope","reason":"Forbidden","code":403}`
)

// listServer has bodies for some paths with queries, and answers others like an
// apiserver. It records the requests.
type listServer struct {
	bodies  map[string]string
	asked   []string
	accepts map[string]string
}

func (s *listServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	uri := r.URL.RequestURI()
	s.asked = append(s.asked, uri)
	s.accepts[r.URL.Path] = r.Header.Get("Accept")
	body, ok := s.bodies[uri]
	switch {
	case !ok:
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	case body == forbidden:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
	}
	io.WriteString(w, body)
}

// newLister returns a lister of a server below a path, as behind a proxy.
func newLister(t *testing.T, bodies map[string]string) (*kube.Lister, *listServer) {
	t.Helper()
	s := &listServer{bodies: bodies, accepts: make(map[string]string)}
	server := httptest.NewServer(http.StripPrefix("/k8s", s))
	t.Cleanup(server.Close)
	return listerOf(t, server.URL+"/k8s", heapster.Options{Tries: 1}), s
}

func listerOf(t *testing.T, address string, opts heapster.Options) *kube.Lister {
	t.Helper()
	api, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	lister, err := kube.NewLister(kube.Connection{HTTP: http.DefaultClient, API: api}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return lister
}

func lists() map[string]string {
	return map[string]string{
		"/api/v1/pods?limit=500": podsPage1,
		"/api/v1/pods?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEi&limit=500": podsPage2,
		"/apis/apps/v1/replicasets?limit=500":                          replicaSets,
		"/apis/batch/v1/jobs?limit=500":                                jobs,
	}
}

func TestPodsHaveTheirWorkloads(t *testing.T) {
	pod := func(namespace, name, uid, kind, owner string) schema.Identity {
		return schema.Identity{Pod: schema.PodEntity(namespace, name), UID: uid, Owner: schema.Owner{Kind: kind, Name: owner}}
	}
	want := []schema.Identity{
		pod("shop", "web-6d4b75cb6d-abcde", "u-web", "Deployment", "web"),
		pod("data", "web-0", "u-web-0", "StatefulSet", "web"),
		pod("shop", "report-27000-x1", "u-report", "CronJob", "report"),
		pod("shop", "once-y2", "u-once", "Job", "once"),
		pod("kube-system", "kube-proxy-n1", "u-static", "Node", "n1"),
		pod("shop", "alone", "u-alone", "", ""),
	}
	want[0].Labels = "app-tier:front,app:web,pod-template-hash:6d4b75cb6d"
	want[1].Labels = "app:web"
	want[2].Node, want[2].Images = "n2", "mail=mail:2,sum=sum:1"
	want[5].Node, want[5].Images = "n1", "c=i"

	for whole, accept := range map[bool]string{
		false: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json",
		true:  "application/json",
	} {
		lister, server := newLister(t, lists())
		got, err := lister.Pods(t.Context(), whole)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
		}
		if got := server.accepts["/api/v1/pods"]; got != accept {
			t.Errorf("pods are asked for as %q", got)
		}
		if len(server.asked) != 4 {
			t.Errorf("asked %q", server.asked)
		}
	}
}

func TestOldServerHasReplicaSetsElsewhere(t *testing.T) {
	bodies := lists()
	bodies["/apis/extensions/v1beta1/replicasets?limit=500"] = bodies["/apis/apps/v1/replicasets?limit=500"]
	delete(bodies, "/apis/apps/v1/replicasets?limit=500")
	lister, _ := newLister(t, bodies)
	pods, err := lister.Pods(t.Context(), false)
	if err != nil || pods[0].Owner != (schema.Owner{Kind: "Deployment", Name: "web"}) {
		t.Errorf("got %+v, %v", pods, err)
	}
}

func TestUnneededLists(t *testing.T) {
	lister, server := newLister(t, map[string]string{"/api/v1/pods?limit=500": `{"kind":"PodList","items":null}`})
	pods, err := lister.Pods(t.Context(), false)
	if err != nil || len(pods) != 0 || len(server.asked) != 1 {
		t.Errorf("got %v, %v after %q", pods, err, server.asked)
	}
}

func TestNamespaces(t *testing.T) {
	lister, _ := newLister(t, map[string]string{"/api/v1/namespaces?limit=500": `{"kind":"NamespaceList","apiVersion":"v1",
"metadata":{"selfLink":"/api/v1/namespaces","resourceVersion":"9"},"items":[
{"metadata":{"name":"shop","uid":"1","labels":{"team":"blue","a/b":""}},"spec":{"finalizers":["kubernetes"]},"status":{"phase":"Active"}},
{"metadata":{"name":"bare","uid":"2"}}]}`})
	got, err := lister.Namespaces(t.Context())
	if want := []schema.NamespaceIdentity{{Name: "shop", UID: "1", Labels: "a/b:,team:blue"}, {Name: "bare", UID: "2"}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestListErrors(t *testing.T) {
	for name, test := range map[string]struct {
		path, body string
		sentinel   error
		message    string
	}{
		"refused": {"/apis/batch/v1/jobs?limit=500", forbidden, schema.ErrRefused,
			`the apiserver answered 403 Forbidden: jobs.batch is forbidden: User "u" cannot list resource "jobs"`},
		"no list":     {"/api/v1/pods?limit=500", `{"kind":"APIVersions"}`, schema.ErrProtocol, `an object of the kind "APIVersions" where a list belongs`},
		"array":       {"/api/v1/pods?limit=500", `[]`, schema.ErrProtocol, "JSON array where kube.page belongs"},
		"odd items":   {"/api/v1/pods?limit=500", `{"items":{}}`, schema.ErrProtocol, "JSON object where []kube.object belongs"},
		"odd names":   {"/api/v1/pods?limit=500", `{"items":[{"metadata":{"name":1}}]}`, schema.ErrProtocol, "JSON number where string belongs"},
		"web page":    {"/api/v1/pods?limit=500", `<html>`, schema.ErrProtocol, "a web page"},
		"cut short":   {"/api/v1/pods?limit=500", podsPage1[:500], schema.ErrProtocol, "ends early"},
		"without end": {"/api/v1/pods?continue=a&limit=500", `{"kind":"PodList","metadata":{"continue":"a"},"items":[]}`, schema.ErrProtocol, "a list without an end"},
	} {
		t.Run(name, func(t *testing.T) {
			bodies := lists()
			if strings.Contains(test.path, "continue") {
				bodies["/api/v1/pods?limit=500"] = test.body
			}
			bodies[test.path] = test.body
			lister, _ := newLister(t, bodies)
			_, err := lister.Pods(t.Context(), false)
			if !errors.Is(err, test.sentinel) || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v, want %q", err, test.message)
			}
		})
	}
	_, err := listerOf(t, "http://127.0.0.1:1", heapster.Options{Tries: 1}).Namespaces(t.Context())
	if !errors.Is(err, schema.ErrUnreachable) {
		t.Errorf("no server listens: %v", err)
	}
}

// An answer that is cut short is read again from its start, without repeating pods.
func TestPageIsReadAgain(t *testing.T) {
	answers := []string{podsPage2[:len(podsPage2)-20], podsPage2}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/pods" {
			fmt.Fprint(w, `{"kind":"JobList","items":[]}`)
			return
		}
		io.WriteString(w, answers[0])
		answers = answers[1:]
	}))
	defer server.Close()
	pods, err := listerOf(t, server.URL, heapster.Options{Tries: 2}).Pods(t.Context(), true)
	var names []string
	for _, p := range pods {
		names = append(names, p.Pod.Pod)
	}
	if want := []string{"report-27000-x1", "once-y2", "kube-proxy-n1", "alone"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("got %q, %v", names, err)
	}
}
