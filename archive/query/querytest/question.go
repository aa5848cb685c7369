package querytest

import (
	"math/rand/v2"
	"slices"
	"time"

	"heapstash/archive/query"
	"heapstash/schema"
)

// RandomQuery asks something that can be asked of what [Generate] makes.
func RandomQuery(random *rand.Rand) query.Query {
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	var q query.Query
	metric := pick("cpu/usage_rate", "memory/working_set", "memory/rss", "network/rx", "cpu/usage", "cpu/node_utilization", "cpu/node_utilization",
		"filesystem/usage", "disk/io_read_bytes", "custom/queue", "uptime")
	var ok bool
	if q.Metric, ok = schema.Lookup(schema.MetricName(metric)); !ok {
		q.Metric.Name = schema.MetricName(metric)
	}
	kinds := map[string][]schema.Kind{
		"cpu/usage_rate":     {schema.Cluster, schema.Node, schema.Namespace, schema.Pod, schema.Container},
		"memory/working_set": {schema.Node, schema.Pod}, "memory/rss": {schema.Pod}, "network/rx": {schema.Pod},
		"cpu/usage": {schema.Node, schema.Container}, "cpu/node_utilization": {schema.Node}, "filesystem/usage": {schema.Node},
		"disk/io_read_bytes": {schema.Node}, "custom/queue": {schema.Pod}, "uptime": {schema.Node, schema.Pod},
	}[metric]
	q.Kind = kinds[random.IntN(len(kinds))]
	columns := q.Kind.NameColumns()
	if slices.Contains(columns, "namespace") && random.IntN(2) == 0 {
		q.Namespaces = [][]string{{"shop"}, {"s*"}, {"shop", "jobs"}, {"ml", "j*"}}[random.IntN(4)]
	}
	if slices.Contains(columns, "pod") && random.IntN(2) == 0 {
		q.Pods = [][]string{{"web-0"}, {"web-[12]"}, {"w?b-*"}}[random.IntN(3)]
	}
	if q.Metric.Family != schema.Unlabelled && random.IntN(2) == 0 {
		q.Labels = map[string]string{"resource_id": pick("/dev/sda", "/dev/sd*")}
	}
	switch random.IntN(3) {
	case 0:
		q.By = []string{"cluster"}
	case 1:
		if len(columns) > 0 {
			q.By = []string{columns[random.IntN(len(columns))]}
		}
	}
	if slices.Contains(columns, "namespace") && random.IntN(4) == 0 {
		q.ExcludeNamespaces = [][]string{{"ml"}, {"j*", "nosuch"}}[random.IntN(2)]
	}
	if slices.Contains(columns, "pod") {
		if random.IntN(2) == 0 {
			q.By = [][]string{{"owner"}, {"node"}, {"label:app"}, {"label:version", "node"}, {"namespace", "label:app.kubernetes.io/name"},
				{"pod", "node"}, append([]string{"owner"}, columns...)}[random.IntN(7)]
		}
		if random.IntN(4) == 0 {
			q.Nodes = [][]string{{"node-0"}, {"node-[01]"}}[random.IntN(2)]
		}
	}
	q.Aggs = []query.Agg{query.Avg, query.Min, query.Max, query.Sum, query.Count, query.Last, query.P50, query.P95}
	switch q.Metric.Type {
	case schema.Cumulative:
		q.Aggs = []query.Agg{query.Rate, query.Increase, query.Last}
	case "":
		q.Aggs = append(q.Aggs, query.Rate, query.Increase)
	}
	random.Shuffle(len(q.Aggs), func(i, j int) { q.Aggs[i], q.Aggs[j] = q.Aggs[j], q.Aggs[i] })
	q.Aggs = q.Aggs[:1+random.IntN(len(q.Aggs))]
	q.Step = []time.Duration{0, 0, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour}[random.IntN(8)]
	q.From = Begin - 7200 + schema.Instant(random.IntN(3*24*3600))
	q.To = q.From + schema.Instant(3600+random.IntN(3*24*3600))
	return q
}
