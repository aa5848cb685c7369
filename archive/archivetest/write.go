package archivetest

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

var (
	web  = schema.PodEntity("shop", "web-0")
	db   = schema.PodEntity("shop", "db-0")
	app  = schema.ContainerEntity("shop", "web-0", "app")
	node = schema.NodeEntity("n1")
)

func labelled(e schema.Entity, labels string) schema.Entity {
	e.Labels = labels
	return e
}

// everyCell: each kind of entity, metric and number comes back as it was.
func everyCell(b *bench) {
	rows := []schema.Row{
		row(schema.ClusterEntity(), noon, "cpu/usage_rate", 12, "memory/usage", math.MaxInt64, "uptime", 0),
		row(node, noon, "cpu/usage", 1<<60, "cpu/node_utilization", 0.25, "memory/node_utilization", math.SmallestNonzeroFloat64, "custom/a", -7),
		row(schema.NamespaceEntity("shop"), noon, "cpu/limit", 1, "memory/request", math.MinInt64),
		row(web, noon, "memory/usage", 5, "custom/http_requests", 1.5, "custom/big", math.MaxFloat64),
		row(app, noon, "memory/usage", 7, "cpu/usage_rate", 3.0),
		row(schema.SystemContainerEntity("n1", "kubelet"), noon, "memory/usage", 9),
		row(labelled(node, "resource_id:/"), noon, "filesystem/usage", 1000, "filesystem/limit", 2000),
		row(labelled(app, "resource_id:Volume:a,b:c"), noon, "filesystem/usage", 1),
		row(labelled(node, "resource_id:/dev/sda1"), noon, "disk/io_read_bytes", 4),
		row(labelled(app, "accelerator_id:GPU-1,make:nvidia,model:k80"), noon, "accelerator/duty_cycle", 50),
		row(labelled(web, "odd:label"), noon, "custom/labelled", 8),
		// A name that SQL, a URL or a glob would take for something else.
		row(schema.PodEntity("sh*p", `we'b?"; --`), noon, "memory/usage", 1, "custom/'%_*?[a]", 2),
	}
	n := len(samplesOf(cluster, rows...))
	b.written(b.write(cluster, archive.Batch{Rows: rows, Horizon: noon}), archive.Written{New: n})
	b.holds(samplesOf(cluster, rows...))
	b.upkeep(nil, noon+3*hour)
	b.holds(samplesOf(cluster, rows...))
}

// sameAgain: a batch that comes again changes nothing, in whatever order.
func sameAgain(b *bench) {
	rows := []schema.Row{row(web, noon, "memory/usage", 5, "custom/x", 1), row(web, noon+minute, "memory/usage", 6)}
	b.written(b.write(cluster, archive.Batch{Rows: rows}, archive.Batch{Rows: rows}), archive.Written{New: 3, Duplicates: 3})
	b.upkeep(nil, noon+3*hour)
	b.written(b.write(cluster, archive.Batch{Rows: []schema.Row{rows[1], rows[0]}}), archive.Written{Duplicates: 3})
	b.holds(samplesOf(cluster, rows...))
	// A row that has more than before adds to the row that is stored.
	more := row(web, noon, "memory/usage", 5, "cpu/usage_rate", 2, "custom/y", 3)
	b.written(b.write(cluster, archive.Batch{Rows: []schema.Row{more}}), archive.Written{New: 2, Duplicates: 1})
	b.holds(union(samplesOf(cluster, rows...), samplesOf(cluster, more)))
	// None of these is a sample.
	b.write(cluster, archive.Batch{Rows: []schema.Row{row(web, noon), row(web, 0, "memory/usage", 1), row(web, -5, "memory/usage", 1)}})
	b.holds(union(samplesOf(cluster, rows...), samplesOf(cluster, more)))
}

// cutValues: Heapster's model API cuts fractions off, and metric-export does not.
func cutValues(b *bench) {
	for i, metric := range []string{"cpu/node_utilization", "custom/ratio"} {
		at := noon + schema.Instant(i)*minute
		for _, values := range [][2]any{{2, 2.75}, {2.75, 2}, {0, 0.25}, {-2, -2.5}} {
			e := schema.NodeEntity(metric + value(values[0]).String())
			b.written(b.write(cluster, archive.Batch{Rows: []schema.Row{row(e, at, metric, values[0])}}), archive.Written{New: 1})
			b.written(b.write(cluster, archive.Batch{Rows: []schema.Row{row(e, at, metric, values[1])}}), archive.Written{Duplicates: 1})
			exact := values[0]
			if _, cut := exact.(int); cut {
				exact = values[1]
			}
			got := b.samples(archive.Selection{})
			if v := got[sampleKey{cluster, e, schema.MetricName(metric), at}]; v != value(exact) {
				b.Errorf("%s: %v and then %v come to %v, want %v", metric, values[0], values[1], v, exact)
			}
		}
	}
}

// shownRatios: a selection can ask for ratios of nodes as Heapster cut them.
func shownRatios(b *bench) {
	whole := row(node, noon, "cpu/node_utilization", 0, "cpu/usage_rate", 500, "cpu/node_allocatable", 2000)
	half := row(schema.NodeEntity("n2"), noon, "cpu/node_utilization", 1)
	b.write(cluster, archive.Batch{Rows: []schema.Row{whole, half}})
	if got := b.samples(archive.Selection{Shown: true}); len(differences(got, samplesOf(cluster, whole, half))) > 0 {
		b.Errorf("as shown: %v", got)
	}
}

// conflicts: of two values of one cell the first stays, and the other is counted.
func conflicts(b *bench) {
	first := row(web, noon, "memory/usage", 5, "custom/x", 1, "cpu/usage_rate", 1)
	b.write(cluster, archive.Batch{Rows: []schema.Row{first}})
	b.written(b.write(cluster, archive.Batch{Rows: []schema.Row{row(web, noon, "memory/usage", 6, "custom/x", 2, "cpu/usage_rate", 1)}}), archive.Written{Duplicates: 1, Conflicts: 2})
	b.holds(samplesOf(cluster, first))
	// Within one row and one batch, too.
	twice := row(db, noon, "memory/usage", 7, "memory/usage", 8)
	b.written(b.write(cluster, archive.Batch{Rows: []schema.Row{twice, row(db, noon, "memory/usage", 9)}}), archive.Written{New: 1, Conflicts: 2})
	b.holds(samplesOf(cluster, first, twice))
}

// lateRows: samples that come hours after their hour was rearranged are stored,
// and known ones are known.
func lateRows(b *bench) {
	early := row(web, noon+minute, "memory/usage", 5, "custom/x", 1)
	b.write(cluster, archive.Batch{Rows: []schema.Row{early, row(web, noon+5*hour, "memory/usage", 9)}, Horizon: noon + 5*hour})
	b.upkeep(nil, noon+5*hour)
	late := []schema.Row{
		row(web, noon+minute, "memory/usage", 5, "cpu/usage_rate", 2, "custom/x", 3),
		row(db, noon+minute, "memory/usage", 6),
		row(web, noon+2*minute, "custom/x", 1),
		row(web, noon-day, "memory/usage", 4),
	}
	b.written(b.write(cluster, archive.Batch{Rows: late}), archive.Written{New: 4, Duplicates: 1, Conflicts: 1})
	want := union(samplesOf(cluster, late...), samplesOf(cluster, early, row(web, noon+5*hour, "memory/usage", 9)))
	b.holds(want)
	b.upkeep(nil, noon+9*hour)
	b.holds(want)
}

// batches returns random batches that overlap, and the values that an archive of them
// has by the rule of [collect.Store]: the first value stays, but an exact one replaces
// the integer that was cut from it.
func batches(r *rand.Rand, n int) (all []archive.Batch, want map[sampleKey]schema.Value) {
	entities := []schema.Entity{schema.ClusterEntity(), node, web, db, app, labelled(node, "resource_id:/"), labelled(app, "accelerator_id:a,make:b,model:c")}
	metrics := []schema.MetricName{"memory/usage", "cpu/usage", "cpu/usage_rate", "custom/ratio", "filesystem/usage", "accelerator/duty_cycle", "custom/x"}
	want = make(map[sampleKey]schema.Value)
	for range n {
		var b archive.Batch
		for range 20 + r.IntN(30) {
			at := noon + schema.Instant(r.IntN(200))*minute
			rw := schema.Row{Entity: entities[r.IntN(len(entities))], At: at}
			for range r.IntN(5) {
				m := metrics[r.IntN(len(metrics))]
				v := schema.Real(float64(r.IntN(3)) + 0.5*float64(r.IntN(2)))
				if r.IntN(2) == 0 {
					v = schema.Int(int64(r.IntN(3)))
				}
				rw.Readings = append(rw.Readings, schema.Reading{Metric: m, Value: v})
				c := sampleKey{cluster, rw.Entity, m, at}
				if stored, ok := want[c]; !ok || replaces(stored, v) {
					want[c] = v
				}
			}
			b.Rows = append(b.Rows, rw)
		}
		all = append(all, b)
	}
	return all, want
}

// replaces says that Heapster's integer was cut from the float.
func replaces(stored, v schema.Value) bool {
	cut, isInt := stored.Int64()
	_, alsoInt := v.Int64()
	return isInt && !alsoInt && int64(v.Float64()) == cut
}

// overlaps: random batches that overlap come to what their rule says, whatever
// upkeep does between them.
func overlaps(b *bench) {
	r := random(1)
	all, want := batches(r, 25)
	for i, batch := range all {
		b.write(cluster, batch)
		if i%4 == 3 {
			s := b.open()
			if _, err := s.Upkeep(b.Context(), noon+schema.Instant(i)*10*minute); err != nil {
				b.Fatal(err)
			}
			b.close(s)
		}
	}
	b.holds(want)
}

// interrupted: a write that is interrupted leaves no watermark ahead of its rows,
// and the same batch written again makes everything right.
func interrupted(b *bench) {
	r := random(2)
	want := make(map[sampleKey]schema.Value)
	scope := web.Scope()
	for i := range schema.Instant(20) {
		at := noon + i*minute
		var rows []schema.Row
		for pod := range 300 {
			rows = append(rows, row(schema.PodEntity("shop", "p-"+schema.Int(int64(pod)).String()), at, "memory/usage", pod, "cpu/usage", int(i)))
		}
		batch := archive.Batch{Rows: rows, Watermarks: map[schema.Scope]schema.Instant{scope: at}, Horizon: at}
		s := b.open()
		p := b.begin(s, cluster)
		batch.Pass, batch.Cluster = p.ID, cluster
		ctx, cancel := context.WithTimeout(b.Context(), time.Duration(r.IntN(8000))*time.Microsecond)
		_, err := s.Write(ctx, batch)
		cancel()
		b.close(s) // the pass dies here

		s = b.open()
		m, memoryErr := s.Memory(b.Context(), cluster)
		if memoryErr != nil {
			b.Fatal(memoryErr)
		}
		stored := b.samples(archive.Selection{Window: schema.Window{From: at, To: at}})
		switch mark := m.Watermarks[scope]; {
		case mark >= at && len(stored) != len(samplesOf(cluster, rows...)):
			b.Errorf("the watermark is %v, and %d of %d samples of it are stored", mark, len(stored), len(samplesOf(cluster, rows...)))
		case err == nil && mark != at:
			b.Errorf("written, and the watermark is %v, want %v", mark, at)
		}
		b.close(s)
		b.write(cluster, batch)
		want = union(want, samplesOf(cluster, rows...))
	}
	b.holds(want)
}

// twoClusters: one archive keeps clusters apart whose entities have the same names.
func twoClusters(b *bench) {
	prod, test := row(web, noon, "memory/usage", 5, "custom/x", 1), row(web, noon, "memory/usage", 6, "custom/x", 2)
	b.written(b.write("prod", archive.Batch{Rows: []schema.Row{prod}, Horizon: noon, Watermarks: map[schema.Scope]schema.Instant{web.Scope(): noon}}), archive.Written{New: 2})
	b.written(b.write("test", archive.Batch{Rows: []schema.Row{test}}), archive.Written{New: 2})
	b.holds(union(samplesOf("prod", prod), samplesOf("test", test)))
	b.upkeep(nil, noon+3*hour)
	b.holds(union(samplesOf("prod", prod), samplesOf("test", test)))
	s := b.open()
	defer b.close(s)
	m, err := s.Memory(b.Context(), "test")
	if err != nil || m.Horizon != 0 || len(m.Watermarks) != 0 {
		b.Errorf("the memory of test is prod's: %+v, %v", m, err)
	}
}
