package doctor

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/heapster"
	"heapstash/heapster/heapsim"
	"heapstash/heapster/heapstertest"
)

// begin is when the batches of these tests begin.
var begin = time.Date(2017, 9, 27, 7, 0, 0, 0, time.UTC)

// TestHeapster examines Heapsters with a batch a minute, at their own clock.
func TestHeapster(t *testing.T) {
	const lost = "labelled series (file systems, disks, accelerators) are not found"
	for name, test := range map[string]struct {
		options heapsim.Options
		cluster heapsim.ClusterOptions
		batches int
		idle    time.Duration // since the last one
		inject  string        // a path that answers 403
		want    map[string]Finding
	}{
		"well": {batches: 20, want: map[string]Finding{
			"allkeys":       {Level: OK, Message: "lists 3 nodes, 4 namespaces, 24 pods, 48 containers, 12 system containers"},
			"metric-export": {Level: OK, Message: "answers with the newest batch"},
			"labels":        {Level: OK, Message: "{resource_id:/dev/sd"},
			"resolution":    {Level: OK, Message: "a batch every 1m; visible are 3 batches with every metric, and 15m of"},
			"freshness":     {Level: OK, Message: "the newest batch is 0s old, and /healthz is ok"},
			"clock":         {Level: OK, Message: "agree"},
		}},
		"old": {options: heapsim.Options{NoContainersList: true}, batches: 3, want: map[string]Finding{
			"containers": {Level: Warning, Message: "older than v1.3", Fix: "upgrade Heapster"},
		}},
		"no keys": {options: heapsim.Options{NoAllKeys: true}, batches: 3, want: map[string]Finding{
			"allkeys":    {Level: Warning, Message: "does not answer (answered 404 Not Found: 404: Page Not Found)", Fix: "let /api/v1/model/debug/allkeys through"},
			"pod-list":   {Level: OK},
			"containers": {Level: OK},
		}},
		"no export": {options: heapsim.Options{ExportDisabled: true}, batches: 3, want: map[string]Finding{
			"metric-export": {Level: Warning, Message: lost, Fix: "without --disable_export"},
			"labels":        {Level: OK, Message: "not asked for"},
		}},
		"export refused": {inject: "metric-export", batches: 3, want: map[string]Finding{
			"metric-export": {Level: Warning, Message: lost, Fix: "--token-file"},
		}},
		"pods refused": {inject: "pod-list", batches: 3, want: map[string]Finding{
			"pod-list": {Level: Fault, Message: "no other request reads pods"},
		}},
		"labels dropped": {cluster: heapsim.ClusterOptions{NoFilesystems: true}, inject: "metrics/disk/", batches: 3, want: map[string]Finding{
			"labels": {Level: Warning, Message: "do not answer"},
		}},
		"no labels": {cluster: heapsim.ClusterOptions{NoFilesystems: true, NoDisks: true, NoAccelerators: true}, batches: 3, want: map[string]Finding{
			"metric-export": {Level: OK},
			"labels":        {Level: OK, Message: "shows none"},
		}},
		"names refused": {inject: "/pods/.*/exec", batches: 3, want: map[string]Finding{
			"names": {Level: Warning, Message: "are refused on the way"},
		}},
		"just started": {batches: 1, want: map[string]Finding{
			"resolution": {Level: OK, Message: "one batch is visible"},
		}},
		"empty": {want: map[string]Finding{
			"allkeys":       {Level: OK, Message: "0 pods"},
			"metric-export": {Level: OK, Message: "has nothing yet"},
			"resolution":    {Level: Fault, Message: "no sample of anything"},
			"freshness":     {Level: Fault, Message: "no batch"},
		}},
		"stale": {batches: 10, idle: 4 * time.Minute, want: map[string]Finding{
			"freshness": {Level: Fault, Message: "4m old, of 2017-09-27T07:10:00Z, and Heapster calls itself unwell: [-]healthz failed"},
		}},
		"stale without a word": {batches: 10, idle: 4 * time.Minute, inject: "healthz", want: map[string]Finding{
			"freshness": {Level: Fault, Message: "the newest batch is 4m old"},
		}},
		"health refused": {batches: 10, inject: "healthz", want: map[string]Finding{
			"freshness": {Level: OK, Message: "/healthz does not answer here"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			clock := begin
			now := func() time.Time { return clock }
			test.options.Now = now
			sim := heapstertest.NewServer(test.options)
			cluster := heapsim.NewCluster(test.cluster)
			for range test.batches {
				clock = clock.Add(time.Minute)
				sim.Feed(cluster.Next(clock))
			}
			clock = clock.Add(test.idle)
			if test.inject != "" {
				sim.Inject(test.inject, 0, heapstertest.Answer(http.StatusForbidden, nil, "no"))
			}
			report := examine(t, sim, now)
			for _, f := range report {
				want, asked := test.want[f.Name]
				if !asked {
					want = Finding{Level: OK}
				}
				if f.Level != want.Level && (asked || test.batches > 0) || !strings.Contains(f.Message, want.Message) || !strings.Contains(f.Fix, want.Fix) {
					t.Errorf("got %+v\nwant %+v", f, want)
				}
				if f.Level != OK && f.Fix == "" {
					t.Errorf("nothing to do about %+v", f)
				}
				delete(test.want, f.Name)
			}
			for name := range test.want {
				t.Errorf("no finding %s", name)
			}
		})
	}
}

// examine serves a Heapster that dates its answers by that clock.
func examine(t *testing.T, sim http.Handler, now func() time.Time) Report {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", now().Format(http.TimeFormat))
		sim.ServeHTTP(w, r)
	}))
	defer server.Close()
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	clock := NewClock(server.Client().Transport, now)
	client, err := heapster.New(&http.Client{Transport: clock}, base, heapster.Options{Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	report, _ := Heapster(t.Context(), client, clock, now)
	return report
}

// For a Heapster without series of the cluster, the doctor reads series of a node.
func TestObserveWithoutACluster(t *testing.T) {
	clock := begin
	now := func() time.Time { return clock }
	sim := heapsim.New(heapsim.Options{Now: now})
	cluster := heapsim.NewCluster(heapsim.ClusterOptions{})
	for range 3 {
		clock = clock.Add(time.Minute)
		batch := cluster.Next(clock)
		batch.Sets = batch.Sets[1:]
		sim.Feed(batch)
	}
	report := examine(t, sim, now)
	i := slices.IndexFunc(report, func(f Finding) bool { return f.Name == "resolution" })
	if i < 0 || !strings.Contains(report[i].Message, "a batch every 1m; visible are 3 batches") {
		t.Errorf("got %+v", report)
	}
}
