package heapsim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"heapstash/schema"
)

// resultJSON is the answer for one series. Without points its latestTimestamp
// is the zero time, 0001-01-01T00:00:00Z.
type resultJSON struct {
	Metrics         []pointJSON `json:"metrics"`
	LatestTimestamp time.Time   `json:"latestTimestamp"`
}

type pointJSON struct {
	Timestamp time.Time `json:"timestamp"`
	Value     uint64    `json:"value"`
}

type resultListJSON struct {
	Items []resultJSON `json:"items"`
}

// newResult truncates floats and wraps negative integers, as Heapster's
// exportTimestampedMetricValue does.
func newResult(points []point) resultJSON {
	result := resultJSON{Metrics: make([]pointJSON, 0, len(points))}
	for _, p := range points {
		value, ok := p.value.Int64()
		if !ok {
			value = int64(p.value.Float64())
		}
		result.Metrics = append(result.Metrics, pointJSON{p.at, uint64(value)})
		if result.LatestTimestamp.Before(p.at) {
			result.LatestTimestamp = p.at
		}
	}
	return result
}

// serve answers a request that is well-formed up to its query.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, asked route) {
	s.mu.Lock()
	store := s.store
	s.mu.Unlock()

	switch asked.page {
	case keysPage:
		s.writeNames(w, store, func(of schema.Entity, _ map[string]string) (string, bool) {
			return of.String(), true
		})
	case listPage:
		s.writeNames(w, store, asked.listed)
	case namesPage:
		names := slices.Sorted(maps.Keys(store.names(asked.of)))
		if names == nil {
			names = []schema.MetricName{}
		}
		writeJSON(w, shuffled(s, names), true)
	case exportPage:
		writeJSON(w, s.export(store), false)
	case seriesPage, podListPage:
		q, err := parseQuery(r, s.options.Now())
		if err != nil {
			writeText(w, http.StatusBadRequest, err.Error())
			return
		}
		if asked.page == seriesPage {
			writeJSON(w, newResult(q.points(store, asked.metric, asked.of, 1)), true)
			return
		}
		writeJSON(w, q.podList(store, asked), false)
	}
}

// writeNames writes what name picks of the entities of the latest batch.
func (s *Server) writeNames(w http.ResponseWriter, store store, name func(schema.Entity, map[string]string) (string, bool)) {
	names := []string{}
	if latest := store.latest(); latest != nil {
		for _, set := range latest.sets {
			if name, ok := name(set.Entity, set.Attributes); ok {
				names = append(names, name)
			}
		}
	}
	writeJSON(w, shuffled(s, names), true)
}

// listed returns the name under which the asked list shows the entity, if it
// does. A node is listed by its hostname, and its system containers are found
// by that, while their series want the nodename.
func (asked route) listed(of schema.Entity, attributes map[string]string) (string, bool) {
	if of.Kind != asked.list {
		return "", false
	}
	switch of.Kind {
	case schema.Node:
		return hostname(of, attributes), true
	case schema.SystemContainer:
		return of.Container, hostname(of, attributes) == asked.of.Node
	case schema.Namespace:
		return of.Namespace, true
	case schema.Pod:
		return of.Pod, of.Namespace == asked.of.Namespace
	default:
		return of.Container, of.Namespace == asked.of.Namespace && of.Pod == asked.of.Pod
	}
}

// hostname is the set's hostname attribute, which defaults to its node.
func hostname(of schema.Entity, attributes map[string]string) string {
	if name, ok := attributes["hostname"]; ok {
		return name
	}
	return of.Node
}

// shuffled brings the names in another order at every call, as Go's maps do
// in Heapster.
func shuffled[T any](s *Server, names []T) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// query is what follows the question mark of a request for points.
type query struct {
	start, end time.Time
	labels     map[string]string // nil: a metric without labels
}

// parseQuery reads start and end (RFC 3339, inclusive; by default everything
// up to now) and labels (key:value, joined by commas).
func parseQuery(r *http.Request, now time.Time) (query, error) {
	start, err := parseTime(r.FormValue("start"), time.Time{})
	if err != nil {
		return query{}, err
	}
	end, err := parseTime(r.FormValue("end"), now)
	if err != nil {
		return query{}, err
	}
	q := query{start: start, end: end}
	labels := r.FormValue("labels")
	if labels == "" {
		return q, nil
	}
	q.labels = make(map[string]string)
	for pair := range strings.SplitSeq(labels, ",") {
		key, value, _ := strings.Cut(pair, ":")
		if key == "" || value == "" {
			return query{}, fmt.Errorf("invalid label pair %q", pair)
		}
		q.labels[key] = value
	}
	return q, nil
}

func parseTime(text string, byDefault time.Time) (time.Time, error) {
	if text == "" {
		return byDefault, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("timestamp argument cannot be parsed: %w", err)
	}
	return t, nil
}

func (q query) points(store store, metric schema.MetricName, of schema.Entity, times int) []point {
	if q.labels != nil {
		return store.labelled(metric, q.labels, of, times, q.start, q.end)
	}
	return store.series(metric, of, times, q.start, q.end)
}

// podList answers an item for every name, in their order. A name that is
// repeated has all its points repeated in each of its items.
func (q query) podList(store store, asked route) resultListJSON {
	times := make(map[string]int)
	for _, pod := range asked.pods {
		times[pod]++
	}
	list := resultListJSON{Items: make([]resultJSON, 0, len(asked.pods))}
	for _, pod := range asked.pods {
		of := schema.PodEntity(asked.of.Namespace, pod)
		list.Items = append(list.Items, newResult(q.points(store, asked.metric, of, times[pod])))
	}
	return list
}
