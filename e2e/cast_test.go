package e2e

import (
	"hash/fnv"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// member is an entity with what every batch has of it.
type member struct {
	entity schema.Entity
	fixed  map[schema.MetricName]schema.Value // beside the usual metrics, or in their place
}

func cluster() member                   { return member{entity: schema.ClusterEntity()} }
func node(name string) member           { return member{entity: schema.NodeEntity(name)} }
func namespace(name string) member      { return member{entity: schema.NamespaceEntity(name)} }
func pod(namespace, name string) member { return member{entity: schema.PodEntity(namespace, name)} }
func container(namespace, pod, name string) member {
	return member{entity: schema.ContainerEntity(namespace, pod, name)}
}

// with returns the member with these values, the same in every batch.
func (m member) with(fixed map[schema.MetricName]schema.Value) member {
	m.fixed = fixed
	return m
}

// usual are some of the metrics that Heapster has of each kind. Aggregates
// have exactly these.
func usual(k schema.Kind) []schema.MetricName {
	switch k {
	case schema.Cluster, schema.Namespace:
		return []schema.MetricName{"cpu/usage_rate", "memory/usage", "cpu/request", "cpu/limit", "memory/request", "memory/limit"}
	case schema.Node:
		return []schema.MetricName{"cpu/usage_rate", "memory/usage", "cpu/usage", "cpu/node_capacity", "network/rx", "uptime"}
	default:
		return []schema.MetricName{"cpu/usage_rate", "memory/usage", "memory/working_set", "restart_count", "uptime"}
	}
}

// set is what a batch has of the member. The usual values tell where and when
// they are from, so that none can pass for another.
func (m member) set(at time.Time) heapsim.Set {
	set := heapsim.Set{Entity: m.entity, Values: make(map[schema.MetricName]schema.Value)}
	for _, name := range usual(m.entity.Kind) {
		hash := fnv.New32()
		hash.Write([]byte(m.entity.String() + " " + string(name)))
		set.Values[name] = schema.Int(int64(hash.Sum32())<<31 + at.Unix())
	}
	for name, value := range m.fixed {
		set.Values[name] = value
	}
	return set
}

// batch has the members, and the cluster, the node n1 and the namespaces that
// they live in where these are not among them.
func batch(at time.Time, members ...member) heapsim.Batch {
	b := heapsim.Batch{At: at}
	there := make(map[schema.Entity]bool)
	add := func(m member) {
		if !there[m.entity] {
			there[m.entity] = true
			b.Sets = append(b.Sets, m.set(at))
		}
	}
	for _, m := range members {
		add(m)
	}
	add(cluster())
	add(node("n1"))
	for _, m := range members {
		if m.entity.Namespace != "" {
			add(namespace(m.entity.Namespace))
		}
	}
	return b
}
