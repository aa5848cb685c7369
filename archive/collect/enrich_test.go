package collect_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/heapster"
	"heapstash/heapster/heapsim"
	"heapstash/heapster/kube"
	"heapstash/internal/need"
)

// apiserver is the stand-in for the cluster's apiserver. It refuses what it has
// no list of.
type apiserver struct {
	lists map[string]string // the items by path
	whole bool              // whether the last pods were asked for whole
}

func (s *apiserver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	whole := !strings.Contains(r.Header.Get("Accept"), "PartialObjectMetadataList")
	if r.URL.Path == "/api/v1/pods" {
		s.whole = whole
	}
	items, ok := s.lists[r.URL.Path]
	if !whole {
		items = strings.ReplaceAll(items, `"spec":`, `"left out":`)
	}
	if !ok {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"kind":"Status","status":"Failure","reason":"Forbidden","message":"it is forbidden","code":403}`)
		return
	}
	fmt.Fprintf(w, `{"kind":"List","metadata":{},"items":[%s]}`, items)
}

// enriched gives the world an apiserver with the pod a of shop, which belongs
// to a Deployment, and labels of shop.
func enriched(w *world) *apiserver {
	w.t.Helper()
	api := &apiserver{lists: map[string]string{
		"/api/v1/pods":              podItem("a", "uid-a"),
		"/api/v1/namespaces":        namespaceItem("shop", "blue"),
		"/apis/apps/v1/replicasets": item("shop", "a-rs", "uid-rs", `{"kind":"Deployment","name":"a-deployment","uid":"uid-d","controller":true}`),
	}}
	server := httptest.NewServer(api)
	w.t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	lister, err := kube.NewLister(kube.Connection{HTTP: http.DefaultClient, API: address}, heapster.Options{Tries: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	w.options.Enricher = lister
	return api
}

func item(namespace, name, uid, owner string) string {
	return fmt.Sprintf(`{"metadata":{"namespace":%q,"name":%q,"uid":%q,"labels":{"app":"a"},"ownerReferences":[%s]},
		"spec":{"nodeName":"n1","containers":[{"name":"main","image":"img-main"}]}}`, namespace, name, uid, owner)
}

func podItem(name, uid string) string {
	return item("shop", name, uid, `{"kind":"ReplicaSet","name":"a-rs","uid":"uid-rs","controller":true}`)
}

func namespaceItem(name, team string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"labels":{"team":%q,"env":"prod"}}}`, name, team)
}

const (
	owners          = "SELECT pod, uid, owner_kind, owner, valid_from - 1506513600, valid_to - 1506513600 FROM pod_identities"
	namespaceLabels = "SELECT namespace, labels, valid_from - 1506513600, valid_to - 1506513600, present FROM namespace_labels"
	untold          = "SELECT kind, lasting, detail FROM holes WHERE cause = 'enrich' ORDER BY kind"
)

func TestOwnersAndNamespacesLabels(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	api := enriched(w)
	w.feed(0, boxes(0)...)
	w.pass(archive.OutcomeComplete, inBoxes)
	w.want(owners, "a|uid-a|Deployment|a-deployment|0|0")
	w.want("SELECT node, labels, images FROM pod_identities", "n1|app:a|executor=img-executor,main=img-main")
	w.want(namespaceLabels, "shop|env:prod,team:blue|0|0|1")
	if api.whole {
		t.Error("what the export tells was asked for again")
	}

	// Known facts are not written again.
	for _, table := range []string{"pod_identity", "namespace_label"} {
		for _, change := range []string{"INSERT", "UPDATE"} {
			trigger := fmt.Sprintf("CREATE TRIGGER %s_%s BEFORE %[2]s ON %[1]s BEGIN SELECT RAISE(ABORT, 'written again'); END", table, change)
			if out, err := exec.Command(need.Program(t, "sqlite3"), w.path, trigger).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
	}
	w.feed(1, boxes(1)...)
	w.pass(archive.OutcomeComplete, inBoxes)
	w.want(owners, "a|uid-a|Deployment|a-deployment|0|60")
}

func TestNamespacesAreRelabelledAndDeleted(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	api := enriched(w)
	for minute, namespaces := range []string{
		namespaceItem("shop", "blue") + "," + namespaceItem("old", "red") + `,{"metadata":{"name":"bare"}}`,
		namespaceItem("shop", "green") + "," + namespaceItem("old", "red"),
		namespaceItem("shop", "green"),
	} {
		api.lists["/api/v1/namespaces"] = namespaces
		w.feed(minute, small(minute, "a")...)
		w.pass(archive.OutcomeComplete, 6)
	}
	w.want(namespaceLabels, "old|env:prod,team:red|0|119|0\nshop|env:prod,team:blue|0|59|0\nshop|env:prod,team:green|60|120|1")
}

func TestEnrichmentWithoutAnExport(t *testing.T) {
	w := newWorld(t, heapsim.Options{ExportDisabled: true})
	api := enriched(w)
	for minute, uid := range []string{"uid-1", "uid-1", "uid-2"} {
		api.lists["/api/v1/pods"] = podItem("a", uid) + "," + podItem("not-in-heapster", "uid-x")
		w.feed(minute, small(minute, "a")...)
		w.pass(archive.OutcomeComplete, 6)
	}
	w.want(owners, "a|uid-1|Deployment|a-deployment|0|119\na|uid-2|Deployment|a-deployment|120|120")
	w.want("SELECT DISTINCT node, labels, images FROM pod_identities", "n1|app:a|main=img-main")
	if !api.whole {
		t.Error("metadata alone have neither nodes nor images")
	}
}

func TestRefusedEnrichmentIsALastingHole(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	api := enriched(w)
	w.feed(0, boxes(0)...)
	w.pass(archive.OutcomeComplete, inBoxes)

	// What was known stays, also where the pod changes.
	clear(api.lists)
	for minute := 1; minute < 3; minute++ {
		sets := boxes(minute)
		for _, set := range sets[3:6] {
			set.Attributes["labels"] = "app:b"
		}
		w.feed(minute, sets...)
		w.pass(archive.OutcomeComplete, inBoxes)
	}
	w.want(owners, "a|uid-a|Deployment|a-deployment|0|120")
	w.want("SELECT labels FROM pod_identities", "app:b")
	w.want(namespaceLabels, "shop|env:prod,team:blue|0|120|1")
	w.want("SELECT kind, lasting, pass FROM holes WHERE cause = 'enrich' ORDER BY kind", "namespace|1|2\npod|1|2")
	for _, want := range []string{"pods' owners are not known: http://", "answered 403 Forbidden: it is forbidden; deploy/kubernetes/components/enrich allows it"} {
		if got := w.sql(untold); !strings.Contains(got, want) {
			t.Errorf("%s without %q", got, want)
		}
	}
}

func TestUnreachableEnrichmentIsALastingHole(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	nowhere := &url.URL{Scheme: "http", Host: "127.0.0.1:1"}
	lister, err := kube.NewLister(kube.Connection{HTTP: http.DefaultClient, API: nowhere}, heapster.Options{Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.options.Enricher = lister
	w.feed(0, boxes(0)...)
	summary := w.pass(archive.OutcomeComplete, inBoxes)
	if got := causes(summary); strings.Count(got, ":enrich") != 2 {
		t.Errorf("holes: %s", got)
	}
	w.want("SELECT uid, owner_kind FROM pod_identities", "uid-a|")
	if got := w.sql(untold); !strings.Contains(got, "connection refused") || strings.Contains(got, "components/enrich") {
		t.Errorf("holes: %s", got)
	}
}

func TestPodThatTheExportLeavesOut(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	enriched(w)
	w.feed(0, boxes(0)...)
	w.pass(archive.OutcomeComplete, inBoxes)
	w.feed(1, small(1, "a")...)
	w.pass(archive.OutcomeComplete, 6)
	w.want("SELECT uid, node, images, owner FROM pod_identities", "uid-a|n1|executor=img-executor,main=img-main|a-deployment")
}

// Kubernetes may know a pod's successor before Heapster has a sample of it.
func TestOwnerOfAnotherIncarnation(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	api := enriched(w)
	api.lists["/api/v1/pods"] = podItem("a", "uid-next")
	for minute, uid := range []string{"uid-a", "uid-next"} {
		sets := boxes(minute)
		for _, set := range sets[3:6] {
			set.Attributes["pod_id"] = uid
		}
		w.feed(minute, sets...)
		w.pass(archive.OutcomeComplete, inBoxes)
	}
	w.want(owners, "a|uid-a|||0|59\na|uid-next|Deployment|a-deployment|60|60")
}

func TestNothingIsKeptOfNamespacesLeftOut(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	enriched(w)
	w.options.ExcludeNamespaces = []string{"shop"}
	for minute := range 2 {
		w.feed(minute, boxes(minute)...)
		w.pass(archive.OutcomeComplete, 3+4+4)
	}
	w.want("SELECT count(*) FROM pod_identities", "0")
	w.want("SELECT count(*) FROM namespace_labels", "0")
	w.want("SELECT count(*) FROM entities WHERE namespace = 'shop'", "0")
}
