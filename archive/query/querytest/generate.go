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

// thing is something that lives for some of the time.
type thing struct {
	entity   schema.Entity
	metrics  []schema.MetricName
	always   bool // in every batch, with every metric
	from, to schema.Instant
	counters map[schema.MetricName]int64
}

// Generate makes up some days of samples: things that come and go, batches that
// are missing, values that are missing, counters that are reset. Of each kind
// there is a thing that is always there.
func Generate(seed uint64, days int) []Hour {
	random := rand.New(rand.NewPCG(seed, 1))
	end := Begin + schema.Instant(days*24*3600+random.IntN(3600))
	things := makeThings(random, days, end)
	var hours []Hour
	var rows []schema.Row
	write := func(at schema.Instant, more ...archive.Batch) {
		first := archive.Batch{Cluster: "default", Rows: rows, Horizon: rows[len(rows)-1].At}
		hours = append(hours, Hour{at, append([]archive.Batch{first}, more...)})
		rows = nil
	}
	outage := Begin + schema.Instant(random.IntN(days*24*3600))
	for at := Begin - Begin%resolution; at < end; at += resolution {
		if at >= outage && at < outage+3*3600 || random.IntN(40) == 0 {
			continue // no pass was made
		}
		for _, th := range things {
			if at >= th.from && at < th.to && (th.always || random.IntN(30) != 0) {
				rows = append(rows, th.row(random, at))
			}
		}
		if at%3600 == 0 {
			write(at, vanish(things, at), remake(random, things, at))
		}
	}
	write(end)
	return hours
}

func makeThings(random *rand.Rand, days int, end schema.Instant) []thing {
	var things []thing
	add := func(e schema.Entity, always bool, metrics ...schema.MetricName) {
		th := thing{entity: e, metrics: metrics, always: always, from: Begin, to: end, counters: make(map[schema.MetricName]int64)}
		if !always {
			th.from += schema.Instant(random.IntN(days * 24 * 3600))
			th.to = th.from + schema.Instant(random.IntN(20*3600))
		}
		things = append(things, th)
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
	return things
}

// vanish lets the things vanish that have ended in the hour before.
func vanish(things []thing, at schema.Instant) archive.Batch {
	vanished := make(map[schema.Entity]schema.Instant)
	for _, th := range things {
		if th.to > at-3600 && th.to <= at {
			vanished[th.entity] = th.to
		}
	}
	return archive.Batch{Cluster: "default", Vanished: vanished, Horizon: at}
}

// remake deletes some pods and makes them again: on any node, as another version, or
// by another owner. The identities of some are not known, and one pod has ended.
func remake(random *rand.Rand, things []thing, now schema.Instant) archive.Batch {
	b := archive.Batch{Cluster: "default", Horizon: now, Vanished: make(map[schema.Entity]schema.Instant)}
	for _, th := range things {
		since := now - schema.Instant(random.IntN(3600))
		switch e := th.entity; {
		case e.Kind != schema.Pod || random.IntN(4) != 0 || now < th.from || now > th.to:
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

func (th *thing) row(random *rand.Rand, at schema.Instant) schema.Row {
	row := schema.Row{Entity: th.entity, At: at}
	for _, name := range th.metrics {
		if !th.always && random.IntN(20) == 0 {
			continue
		}
		value := schema.Int(random.Int64N(1000))
		if m, ok := schema.Lookup(name); ok && m.Type == schema.Cumulative {
			if random.IntN(100) == 0 {
				th.counters[name] = 0
			}
			th.counters[name] += random.Int64N(5000)
			value = schema.Int(th.counters[name])
		} else if m.Unit == schema.Ratio {
			value = schema.Real(random.Float64())
			if th.entity.Node == "node-1" { // which tells the parts of the ratio
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
		}
		row.Readings = append(row.Readings, schema.Reading{Metric: name, Value: value})
	}
	return row
}
