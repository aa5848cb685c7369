package archive

import (
	"slices"

	"heapstash/schema"
)

// Filter selects entities by their names and labels. The zero Filter selects all.
type Filter struct {
	// Clusters, Namespaces, Pods, Containers and Nodes are globs ([MatchesAny]). The
	// entity must have a name that matches one of them. An empty list selects
	// every entity, with and without such a name.
	Clusters, Namespaces, Pods, Containers, Nodes []string
	// ExcludeNamespaces are globs. The entity's namespace must match none of them.
	ExcludeNamespaces []string
	// Labels select series of labelled families. Each key's value is a glob.
	Labels map[string]string
}

// Matches reports whether the filter selects the entity by the names that it has
// itself. A pod has no node: only the archive knows where it was.
func (f Filter) Matches(cluster string, e schema.Entity) bool {
	for key, glob := range f.Labels {
		if !MatchesAny([]string{"*," + Verbatim(key) + ":" + glob + ",*"}, ","+e.Labels+",") {
			return false
		}
	}
	return matches(f.Clusters, cluster) && matches(f.Namespaces, e.Namespace) && matches(f.Pods, e.Pod) &&
		matches(f.Containers, e.Container) && matches(f.Nodes, e.Node) &&
		(e.Namespace == "" || !MatchesAny(f.ExcludeNamespaces, e.Namespace))
}

func matches(globs []string, name string) bool {
	return len(globs) == 0 || name != "" && MatchesAny(globs, name)
}

// Selection selects samples. The zero Selection selects all raw ones.
type Selection struct {
	Filter
	// Kinds are the kinds of the entities. None selects all.
	Kinds []schema.Kind
	// Metrics are globs. None selects all metrics.
	Metrics []string
	// Level is [Raw] if it is empty.
	Level Level
	// Statistics are those to read of hours and days. None selects all.
	Statistics []Statistic
	// Window is on Heapster's clock and includes both ends. Hours and days are in
	// the window in which they begin. None is no bound.
	Window schema.Window
	// Incarnations asks for [Series.Incarnations].
	Incarnations bool
}

// Matches reports whether the selection has samples of the entity.
func (s Selection) Matches(cluster string, e schema.Entity) bool {
	return (len(s.Kinds) == 0 || slices.Contains(s.Kinds, e.Kind)) && s.Filter.Matches(cluster, e)
}

// MatchesMetric reports whether the selection has samples of the metric.
func (s Selection) MatchesMetric(m schema.MetricName) bool { return matches(s.Metrics, string(m)) }

// MatchesStatistic reports whether the selection has the statistic of hours and
// days.
func (s Selection) MatchesStatistic(statistic Statistic) bool {
	return len(s.Statistics) == 0 || slices.Contains(s.Statistics, statistic)
}
