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

// Matches reports whether the filter selects the entity by its own names. A pod has no
// node among them: only the archive knows its node.
func (f Filter) Matches(cluster string, e schema.Entity) bool {
	for key, glob := range f.Labels {
		if !schema.MatchesAny([]string{"*," + schema.Verbatim(key) + ":" + glob + ",*"}, ","+e.Labels+",") {
			return false
		}
	}
	return matches(f.Clusters, cluster) && matches(f.Namespaces, e.Namespace) && matches(f.Pods, e.Pod) &&
		matches(f.Containers, e.Container) && matches(f.Nodes, e.Node) &&
		(e.Namespace == "" || !schema.MatchesAny(f.ExcludeNamespaces, e.Namespace))
}

func matches(globs []string, name string) bool {
	return len(globs) == 0 || name != "" && schema.MatchesAny(globs, name)
}

// Selection selects samples. The zero Selection selects all raw samples.
type Selection struct {
	Filter
	// Kinds are the kinds of the entities. None selects all.
	Kinds []schema.Kind
	// Metrics are globs. None selects all metrics.
	Metrics []string
	// Level is [Raw] if it is empty.
	Level Level
	// Statistics are the statistics of hours and days. None selects all.
	Statistics []Statistic
	// Window is on Heapster's clock and includes both ends. It selects hours and days
	// by their begin. None means no bound.
	Window schema.Window
	// Shown leaves cut ratios of nodes as Heapster showed them. Else they are computed
	// from their parts, or left out without a part.
	Shown bool
	// Incarnations fills in [Series.Incarnations].
	Incarnations bool
}

// Matches reports whether the selection includes the entity.
func (s Selection) Matches(cluster string, e schema.Entity) bool {
	return (len(s.Kinds) == 0 || slices.Contains(s.Kinds, e.Kind)) && s.Filter.Matches(cluster, e)
}

// MatchesMetric reports whether the selection includes the metric.
func (s Selection) MatchesMetric(m schema.MetricName) bool { return matches(s.Metrics, string(m)) }

// MatchesStatistic reports whether the selection includes the statistic.
func (s Selection) MatchesStatistic(statistic Statistic) bool {
	return len(s.Statistics) == 0 || slices.Contains(s.Statistics, statistic)
}
