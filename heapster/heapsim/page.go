package heapsim

import (
	"maps"
	"net/http"
	"slices"

	"heapstash/heapster/wire"
	"heapstash/schema"
)

// serve answers a request whose path, method and header are right.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, asked wire.Route) {
	s.mu.Lock()
	store := s.store
	s.mu.Unlock()

	query := wire.Query{}
	if asked.Page == wire.SeriesPage || asked.Page == wire.PodListPage {
		var err error
		if query, err = wire.ParseQuery(r.URL.Query()); err != nil {
			writeText(w, http.StatusBadRequest, err.Error())
			return
		}
		if query.End.IsZero() {
			query.End = s.options.Now()
		}
	}
	w.Header().Set("Content-Type", "application/json")
	// An error means only that the client has gone.
	switch asked.Page {
	case wire.KeysPage:
		_ = wire.WriteNames(w, shuffled(s, store.names(func(set *Set) (string, bool) { return set.Entity.String(), true })))
	case wire.ListPage:
		_ = wire.WriteNames(w, shuffled(s, store.names(func(set *Set) (string, bool) { return listed(asked, set) })))
	case wire.NamesPage:
		_ = wire.WriteNames(w, shuffled(s, slices.Sorted(maps.Keys(store.metrics(asked.Of)))))
	case wire.ExportPage:
		_ = wire.WriteExport(w, s.export(store))
	case wire.SeriesPage:
		_ = wire.WriteSeries(w, store.points(query, asked.Metric, asked.Of, 1))
	case wire.PodListPage:
		_ = wire.WritePodSeries(w, store.podList(query, asked))
	}
}

// listed returns the name of the set's entity in the list, if it is in it. A node is
// listed by its hostname, and so are its system containers; their series need the
// nodename.
func listed(asked wire.Route, set *Set) (string, bool) {
	of := set.Entity
	if of.Kind != asked.List {
		return "", false
	}
	switch of.Kind {
	case schema.Node:
		return set.hostname(), true
	case schema.SystemContainer:
		return of.Container, set.hostname() == asked.Of.Node
	case schema.Namespace:
		return of.Namespace, true
	case schema.Pod:
		return of.Pod, of.Namespace == asked.Of.Namespace
	default:
		return of.Container, of.Namespace == asked.Of.Namespace && of.Pod == asked.Of.Pod
	}
}

// hostname returns the set's attribute of that name, by default the node.
func (s *Set) hostname() string {
	if name, ok := s.Attributes["hostname"]; ok {
		return name
	}
	return s.Entity.Node
}

// shuffled puts the names in another order at every call, as Go's maps do in
// Heapster.
func shuffled[T any](s *Server, names []T) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// points returns the points that a query asks for.
func (s store) points(q wire.Query, metric schema.MetricName, of schema.Entity, times int) []wire.Point {
	if q.Labels != nil {
		return s.labelled(metric, q.Labels, of, times, q.Start, q.End)
	}
	return s.series(metric, of, times, q.Start, q.End)
}

// podList returns the points of each name, in the order of the names. A name that is
// repeated has its points repeated in each of its items.
func (s store) podList(q wire.Query, asked wire.Route) [][]wire.Point {
	times := make(map[string]int)
	for _, pod := range asked.Pods {
		times[pod]++
	}
	var items [][]wire.Point
	for _, pod := range asked.Pods {
		items = append(items, s.points(q, asked.Metric, schema.PodEntity(asked.Of.Namespace, pod), times[pod]))
	}
	return items
}
