package e2e

import (
	"cmp"
	"hash/fnv"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// member is an entity with the values that every batch has of it.
type member struct {
	entity schema.Entity
	fixed  map[schema.MetricName]schema.Value // in addition to the usual metrics, or instead of them
	disks  map[string]schema.Value            // filesystem/usage by resource_id
	gpu    bool
	uid    string // of the pod; if empty, its name determines the uid
}

func cluster() member                   { return member{entity: schema.ClusterEntity()} }
func node(name string) member           { return member{entity: schema.NodeEntity(name)} }
func namespace(name string) member      { return member{entity: schema.NamespaceEntity(name)} }
func pod(namespace, name string) member { return member{entity: schema.PodEntity(namespace, name)} }
func container(namespace, pod, name string) member {
	return member{entity: schema.ContainerEntity(namespace, pod, name)}
}

func systemContainer(node, name string) member {
	return member{entity: schema.SystemContainerEntity(node, name)}
}

// on returns the member with file systems of these sizes.
func (m member) on(disks map[string]schema.Value) member {
	m.disks = disks
	return m
}

// withGPU returns the member with an accelerator.
func (m member) withGPU() member {
	m.gpu = true
	return m
}

// as returns the member as a pod with another uid.
func (m member) as(uid string) member {
	m.uid = uid
	return m
}

// with returns the member with these values, the same in every batch.
func (m member) with(fixed map[schema.MetricName]schema.Value) member {
	m.fixed = fixed
	return m
}

// usual returns some of the metrics that Heapster has of a kind. Aggregates have
// exactly these.
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

// set returns the member's set in a batch. Each usual value depends on the entity,
// the metric and the time, so a value in the wrong place is found.
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
	for disk, value := range m.disks {
		set.Labelled = append(set.Labelled, heapsim.Labelled{
			Metric: "filesystem/usage", Labels: map[string]string{"resource_id": disk}, Value: value,
		})
	}
	if m.gpu {
		set.Labelled = append(set.Labelled, heapsim.Labelled{
			Metric: "accelerator/memory_used", Value: schema.Int(at.Unix()),
			Labels: map[string]string{"make": "nvidia", "model": "tesla-k80", "accelerator_id": "GPU-0"},
		})
	}
	if m.entity.Pod != "" {
		set.Attributes = map[string]string{
			"nodename": "n1", "hostname": "n1", "namespace_id": "id of " + m.entity.Namespace,
			"pod_id": cmp.Or(m.uid, "uid of "+m.entity.Namespace+"/"+m.entity.Pod),
		}
	}
	return set
}

// batch returns a batch of the members. It adds the cluster, the node n1 and the
// members' namespaces if they are not among the members.
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
