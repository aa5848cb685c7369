package querytest

import (
	"fmt"
	"math/rand/v2"

	"heapstash/archive"
	"heapstash/schema"
)

const (
	// Begin is the time of the first generated sample.
	Begin      = schema.Instant(1506513600) // 2017-09-27T12:00:00Z
	resolution = 300
)

// Hour has the batches that are written at the end of an hour, in order and without
// their pass. Then an archive may do its upkeep.
type Hour struct {
	End     schema.Instant
	Batches []archive.Batch
}

// entityLife is an entity that is there for some of the time.
type entityLife struct {
	entity   schema.Entity
	metrics  []schema.MetricName
	always   bool // in every batch, with every metric
	from, to schema.Instant
	counters map[schema.MetricName]int64
}

// Generate makes up some days of samples: entities that come and go, batches that
// are missing, values that are missing, counters that are reset. Of each kind
// there is an entity that is always there. Some metrics have integers and floats, of
// which some are next to each other beyond 2^53. No sum of integers is beyond 64 bits.
func Generate(seed uint64, days int) []Hour {
	random, others := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
	end := Begin + schema.Instant(days*24*3600+random.IntN(3600))
	lives := makeLives(random, days, end)
	var hours []Hour
	var rows []schema.Row
	write := func(at schema.Instant, more ...archive.Batch) {
		var batches []archive.Batch
		if len(rows) > 0 { // there may have been no pass
			batches = append(batches, archive.Batch{Cluster: "default", Rows: rows, Horizon: rows[len(rows)-1].At})
		}
		hours = append(hours, Hour{at, append(batches, more...)})
		rows = nil
	}
	outage := Begin + schema.Instant(random.IntN(days*24*3600))
	for at := Begin - Begin%resolution; at < end; at += resolution {
		if at >= outage && at < outage+3*3600 || random.IntN(40) == 0 {
			continue // no pass was made
		}
		for _, life := range lives {
			if at >= life.from && at < life.to && (life.always || random.IntN(30) != 0) {
				rows = append(rows, life.row(random, others, at))
			}
		}
		if at%3600 == 0 {
			write(at, vanish(lives, at), remake(random, lives, at))
		}
	}
	write(end)
	return hours
}

func makeLives(random *rand.Rand, days int, end schema.Instant) []entityLife {
	var lives []entityLife
	add := func(e schema.Entity, always bool, metrics ...schema.MetricName) {
		life := entityLife{entity: e, metrics: metrics, always: always, from: Begin, to: end, counters: make(map[schema.MetricName]int64)}
		if !always {
			life.from += schema.Instant(random.IntN(days * 24 * 3600))
			life.to = life.from + schema.Instant(random.IntN(20*3600))
		}
		lives = append(lives, life)
	}
	add(schema.ClusterEntity(), true, "cpu/usage_rate", "cpu/request")
	for n := range 2 {
		node := fmt.Sprintf("node-%d", n)
		metrics := []schema.MetricName{"cpu/usage_rate", "cpu/usage", "memory/working_set", "cpu/node_utilization", "uptime"}
		if n == 1 {
			metrics = append(metrics, "cpu/node_allocatable")
		}
		add(schema.NodeEntity(node), true, metrics...)
		disk := schema.NodeEntity(node)
		disk.Labels = "resource_id:/dev/sda"
		add(disk, true, "filesystem/usage", "disk/io_read_bytes")
		disk.Labels = "resource_id:/dev/sdb"
		add(disk, false, "filesystem/usage", "disk/io_read_bytes")
	}
	for n, namespace := range []string{"shop", "ml", "jobs"} {
		add(schema.NamespaceEntity(namespace), true, "cpu/usage_rate")
		for p := range 4 {
			pod := schema.PodEntity(namespace, fmt.Sprintf("web-%d", p))
			add(pod, p == 0 && n < 2, "cpu/usage_rate", "memory/working_set", "memory/rss", "network/rx", "uptime", "custom/queue")
			add(schema.ContainerEntity(namespace, pod.Pod, "main"), p == 0, "cpu/usage_rate", "cpu/usage")
		}
	}
	return lives
}

// vanish lets the entities vanish whose lives have ended in the hour before.
func vanish(lives []entityLife, at schema.Instant) archive.Batch {
	vanished := make(map[schema.Entity]schema.Instant)
	for _, life := range lives {
		if life.to > at-3600 && life.to <= at {
			vanished[life.entity] = life.to
		}
	}
	return archive.Batch{Cluster: "default", Vanished: vanished, Horizon: at}
}

// remake deletes some pods and makes them again: on any node, as another version, or
// by another owner. The identities of some are not known, and one pod has ended.
func remake(random *rand.Rand, lives []entityLife, now schema.Instant) archive.Batch {
	b := archive.Batch{Cluster: "default", Horizon: now, Vanished: make(map[schema.Entity]schema.Instant)}
	for _, life := range lives {
		since := now - schema.Instant(random.IntN(3600))
		switch e := life.entity; {
		case e.Kind != schema.Pod || random.IntN(4) != 0 || now < life.from || now > life.to:
		case e.Pod == "web-3" && random.IntN(4) == 0:
			b.Vanished[e] = since
		default:
			b.Identities = append(b.Identities, schema.Identity{
				Pod: e, UID: fmt.Sprint("uid-", since), Node: fmt.Sprintf("node-%d", random.IntN(2)), Since: since,
				Labels: []string{"", "app:web", "app:web,version:v1", "my-app:x,version:v2", "app:web-2,app.kubernetes.io/name:shop"}[random.IntN(5)],
				Owner:  []schema.Owner{{}, {Kind: "StatefulSet", Name: "web"}, {Kind: "Deployment", Name: "web"}}[random.IntN(3)],
			})
		}
	}
	return b
}

func (life *entityLife) row(random, others *rand.Rand, at schema.Instant) schema.Row {
	row := schema.Row{Entity: life.entity, At: at}
	for _, name := range life.metrics {
		if !life.always && random.IntN(20) == 0 {
			continue
		}
		value := schema.Int(random.Int64N(1000))
		if m, ok := schema.Lookup(name); ok && m.Type == schema.Cumulative {
			if random.IntN(100) == 0 {
				life.counters[name] = 0
			}
			life.counters[name] += random.Int64N(5000)
			value = schema.Int(life.counters[name])
		} else if m.Unit == schema.Ratio {
			value = schema.Real(random.Float64())
			if life.entity.Node == "node-1" { // which tells the parts of the ratio
				value = schema.Int(0)
			}
		} else if name == "cpu/node_allocatable" {
			value = schema.Int(4000)
			if day := at % (48 * 3600); day > 20*3600 && day < 21*3600+1000 {
				value = schema.Int(8000) // for a while
			}
			if random.IntN(300) == 0 {
				continue
			}
		} else if life.hasFloats(name) {
			value = life.mixed(others, value)
		}
		row.Readings = append(row.Readings, schema.Reading{Metric: name, Value: value})
	}
	return row
}

// hasFloats reports whether the metric has floats beside integers.
func (life *entityLife) hasFloats(name schema.MetricName) bool {
	switch name {
	case "memory/rss", "custom/queue":
		return true
	case "cpu/usage_rate": // of nodes, a ratio is made of it
		return life.entity.Kind != schema.Node
	default:
		return name == "uptime" && life.entity.Kind == schema.Node
	}
}

// mixed returns the integer, or another number in its place: a float or, of what is
// always there, a float or an integer beyond 2^53. No integer is equal to a float.
func (life *entityLife) mixed(random *rand.Rand, value schema.Value) schema.Value {
	large := int64(1)<<53 + 2*random.Int64N(100)
	switch n := random.IntN(20); {
	case n < 2:
		return schema.Real(float64(random.Int64N(1000)) + 0.37)
	case n == 2 && life.always:
		return schema.Int(large + 1)
	case n == 3 && life.always:
		return schema.Real(float64(large))
	default:
		return value
	}
}
