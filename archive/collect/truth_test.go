package collect_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/archive/collect"
	"heapstash/heapster/heapsim"
	"heapstash/internal/need"
	"heapstash/schema"
)

var stories = flag.Int("stories", 12, "how many stories of namesakes are told of each kind")

// story is a cluster of namesakes that come and go, with faults in
// metric-export. It counts what an archive must have: every sample that was
// visible at a pass, of each entity that a list showed, must be stored or in a
// hole. It shares only types with the code under test.
type story struct {
	*world
	rand       *rand.Rand
	idle       bool    // namesakes have the same values
	hide       float64 // how often an id is hidden
	lies       float64 // how often metric-export leaves out or repeats a set, and ids are mixed up
	wantsGreen bool    // or its namespace is excluded

	alive map[schema.Entity]string // pods' uids
	ids   map[string]string        // of namespaces
	next  int                      // number of an id

	short, long []fed
	met         map[schema.Entity]bool
	fed, wanted map[cell]int64
}

// fed is what Heapster has of a batch.
type fed struct {
	at    time.Time
	cells map[cell]int64
}

// cell is the key of a value.
type cell struct {
	of     schema.Entity
	metric schema.MetricName
	ts     int64
}

var storyNamespaces, storyPods, storyContainers = []string{"blue", "green", "red"}, []string{"db-0", "db-1", "web"}, []string{"db", "log"}

func tell(t *testing.T, seed uint64, idle, exported bool, hide, lies float64) {
	w := newWorld(t, heapsim.Options{})
	w.options.Log = slog.New(slog.DiscardHandler)
	s := &story{world: w, rand: rand.New(rand.NewPCG(seed, 0)), idle: idle, hide: hide, lies: lies,
		alive: make(map[schema.Entity]string), ids: make(map[string]string),
		met: make(map[schema.Entity]bool), fed: make(map[cell]int64), wanted: make(map[cell]int64)}
	if exported {
		w.options.Containers = collect.ContainersExport
	}
	if s.wantsGreen = s.chance(0.8); !s.wantsGreen {
		w.options.ExcludeNamespaces = []string{"green"}
	}
	w.sim.Inject("/metric-export", 0, s.distort)
	for _, namespace := range storyNamespaces {
		s.ids[namespace] = s.number("ns")
	}
	attention := 0.3 + 0.7*s.rand.Float64()
	for minute := range 8 {
		if minute > 0 && s.chance(0.1) {
			continue // no batch
		}
		s.batch(minute)
		if s.chance(attention) {
			s.pass()
		}
	}
	s.pass()
	s.judge(exported)
}

func (s *story) chance(p float64) bool { return s.rand.Float64() < p }

func (s *story) number(what string) string {
	s.next++
	return fmt.Sprint(what, "-", s.next)
}

// batch feeds a batch: pods and namespaces are created, deleted, or created
// again.
func (s *story) batch(minute int) {
	sets := small(minute)
	if !s.idle && s.hide == 0 && s.chance(s.lies) { // so that what was learned is wrong
		s.ids["blue"], s.ids["green"] = s.ids["green"], s.ids["blue"]
	}
	for _, namespace := range storyNamespaces {
		anew := s.chance(0.1)
		if anew {
			s.ids[namespace] = s.number("ns")
		}
		for _, name := range storyPods {
			pod := schema.PodEntity(namespace, name)
			switch {
			case s.alive[pod] == "" && s.chance(0.6), s.alive[pod] != "" && (anew || s.chance(0.1)):
				s.alive[pod] = s.number("uid")
			case s.chance(0.1):
				delete(s.alive, pod)
			}
			if s.alive[pod] == "" {
				continue
			}
			sets = append(sets, s.set(pod, minute, "Volume:data", "uptime", "memory/usage", "network/rx", "memory/rss"))
			for _, container := range storyContainers {
				if s.chance(0.9) {
					of := schema.ContainerEntity(namespace, name, container)
					sets = append(sets, s.set(of, minute, "/", "uptime", "memory/usage", "cpu/usage", "cpu/usage_rate", "custom/x"))
				}
			}
		}
	}
	at := noon.Add(time.Duration(minute) * time.Minute)
	now := at.Add(5 * time.Second) // as feed sets the clock
	s.short, s.long = s.kept(s.short, now, 140*time.Second), s.kept(s.long, now, 15*time.Minute)
	short, long := fed{at, make(map[cell]int64)}, fed{at, make(map[cell]int64)}
	for _, set := range sets {
		for metric, value := range set.Values {
			c, v := cell{set.Entity, metric, at.Unix()}, number(value)
			s.fed[c] = v
			if metric == "memory/usage" || metric == "cpu/usage_rate" {
				long.cells[c] = v
			} else {
				short.cells[c] = v
			}
		}
		for _, l := range set.Labelled {
			of := set.Entity
			of.Labels = "resource_id:" + l.Labels["resource_id"]
			c := cell{of, l.Metric, at.Unix()}
			short.cells[c], s.fed[c] = number(l.Value), number(l.Value)
		}
	}
	s.short, s.long = append(s.short, short), append(s.long, long)
	s.feed(minute, sets...)
}

func (s *story) kept(batches []fed, now time.Time, age time.Duration) []fed {
	return slices.DeleteFunc(batches, func(b fed) bool { return !b.at.After(now.Add(-age)) })
}

func number(v schema.Value) int64 {
	n, _ := v.Int64()
	return n
}

// set returns a set of the entity without some of its metrics. It always has
// the custom one, which a pass finds only while the entity is listed.
func (s *story) set(of schema.Entity, minute int, resource string, metrics ...schema.MetricName) heapsim.Set {
	base := int64(minute) + 1
	who := of.Pod + of.Container
	if !s.idle {
		who += of.Namespace
	}
	for _, r := range who {
		base = (base*31 + int64(r)) % 1e9
	}
	values := make(map[schema.MetricName]int64)
	for i, m := range metrics {
		if m == "custom/x" || s.chance(0.95) {
			values[m] = base + int64(i)
		}
	}
	set := set(of, values)
	if s.chance(0.8) {
		set.Labelled = []heapsim.Labelled{{Metric: "filesystem/usage", Labels: map[string]string{"resource_id": resource}, Value: schema.Int(base + 9)}}
	}
	set.Attributes = map[string]string{"nodename": "n1", "namespace_id": s.ids[of.Namespace], "pod_id": s.alive[schema.PodEntity(of.Namespace, of.Pod)]}
	return set
}

// distort hides ids in metric-export, and leaves out and repeats sets, as a
// Heapster should not. It keeps sets with file systems, which nothing else has.
func (s *story) distort(truly http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Accept-Encoding")
		answer := httptest.NewRecorder()
		truly.ServeHTTP(answer, r)
		var sets []map[string]any
		if err := json.Unmarshal(answer.Body.Bytes(), &sets); err != nil {
			s.t.Error(err)
		}
		slices.SortFunc(sets, func(a, b map[string]any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		var distorted []map[string]any
		for _, set := range sets {
			labels := set["labels"].(map[string]any)
			if labels["pod_name"] == nil {
				distorted = append(distorted, set)
				continue
			}
			for _, id := range []string{"namespace_id", "pod_id"} {
				if s.chance(s.hide) {
					delete(labels, id)
				}
			}
			_, holds := set["metrics"].(map[string]any)["filesystem/usage"]
			switch {
			case !s.chance(s.lies):
			case s.chance(0.3):
				distorted = append(distorted, set)
			case !holds:
				continue
			}
			distorted = append(distorted, set)
		}
		json.NewEncoder(w).Encode(distorted)
	})
}

// pass makes a pass, and notes what it must store.
func (s *story) pass() {
	s.t.Helper()
	newest := s.short[len(s.short)-1]
	for _, batch := range []fed{newest, s.long[len(s.long)-1]} {
		for c := range batch.cells {
			s.met[c.of] = true
			s.met[c.of.Owner()] = true
		}
	}
	for _, batch := range slices.Concat(s.short, s.long) {
		for c, v := range batch.cells {
			if s.met[c.of] && (s.wantsGreen || c.of.Namespace != "green") {
				s.wanted[c] = v
			}
		}
	}
	if _, err := s.try(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// judge compares the archive with what was wanted: every value is stored as it
// was fed, or in a hole with its time, and nothing else is stored.
func (s *story) judge(exported bool) {
	s.t.Helper()
	stored := make(map[cell]int64)
	for _, row := range s.rows(`SELECT kind, coalesce(namespace, '') AS namespace, coalesce(pod, '') AS pod, coalesce(container, '') AS container,
		coalesce(node, '') AS node, coalesce(labels, '') AS labels, metric, ts, value FROM samples`) {
		c := cell{row.entity(s.t), row.Metric, row.TS}
		stored[c] = row.Value
		if fed, ok := s.fed[c]; !ok || fed != row.Value {
			s.t.Errorf("%v %s at %d is %d, and was never that", c.of, c.metric, c.ts, row.Value)
		}
	}
	holes := s.rows(`SELECT coalesce(kind, '') AS kind, coalesce(namespace, '') AS namespace, coalesce(pod, '') AS pod, coalesce(container, '') AS container,
		coalesce(node, '') AS node, coalesce(from_ts, 0) AS from_ts, coalesce(to_ts, 0) AS to_ts FROM holes WHERE from_ts IS NOT NULL`)
	lost := 0
	for c := range s.wanted {
		if _, ok := stored[c]; ok {
			continue
		}
		if exported && c.of.Container != "" && c.of.Labels == "" && (c.metric == "cpu/usage_rate" || c.metric == "custom/x") {
			continue // the export does not have them
		}
		lost++
		if !exported || !slices.ContainsFunc(holes, func(h record) bool {
			return h.Kind == c.of.Kind.String() && (h.Namespace == "" || h.Namespace == c.of.Namespace) && (h.Pod == "" || h.Pod == c.of.Pod) &&
				h.From > 0 && h.From <= c.ts && c.ts <= h.To
		}) {
			s.t.Errorf("%v %s at %d was shown, is not stored, and no hole is there", c.of, c.metric, c.ts)
		}
	}
	s.t.Logf("%d wanted, %d stored, %d in %d holes", len(s.wanted), len(stored), lost, len(holes))
}

// record is a row of a view.
type record struct {
	Kind, Namespace, Pod, Container, Node, Labels string
	Metric                                        schema.MetricName
	TS, Value                                     int64
	From                                          int64 `json:"from_ts"`
	To                                            int64 `json:"to_ts"`
}

func (r record) entity(t *testing.T) schema.Entity {
	kind, err := schema.ParseKind(r.Kind)
	if err != nil {
		t.Fatal(err)
	}
	return schema.Entity{Kind: kind, Namespace: r.Namespace, Pod: r.Pod, Container: r.Container, Node: r.Node, Labels: r.Labels}
}

func (s *story) rows(query string) (rows []record) {
	s.t.Helper()
	out, err := exec.Command(need.Program(s.t, "sqlite3"), "-readonly", "-json", s.path, query).Output()
	if err == nil && len(out) > 0 {
		err = json.Unmarshal(out, &rows)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return rows
}

// TestNamesakesValueByValue runs stories with fixed seeds.
func TestNamesakesValueByValue(t *testing.T) {
	for _, hide := range []float64{0, 0.3, 1} {
		for _, idle := range []bool{false, true} {
			for _, exported := range []bool{false, true} {
				for _, lies := range []float64{0, 0.2} {
					t.Run(fmt.Sprintf("hide=%v idle=%v export=%v lies=%v", hide, idle, exported, lies), func(t *testing.T) {
						t.Parallel()
						for seed := range *stories / 12 {
							tell(t, uint64(seed), idle, exported, hide, lies)
						}
					})
				}
			}
		}
	}
}

// FuzzNamesakes runs any story.
func FuzzNamesakes(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(seed, seed%2 == 0, seed%4 < 2, uint8(seed*80), uint8(seed*20))
	}
	f.Fuzz(func(t *testing.T, seed uint64, idle, exported bool, hide, lies uint8) {
		tell(t, seed, idle, exported, float64(hide)/255, float64(lies)/255)
	})
}
