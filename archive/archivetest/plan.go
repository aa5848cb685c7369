package archivetest

import (
	"fmt"
	"slices"
	"sync"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/archive/query/querytest"
	"heapstash/schema"
)

// plans: questions have the answers that the oracle has, of raw rows exactly, and of
// whatever level a plan takes as the oracle's bounds are.
func plans(b *bench) {
	hours := querytest.Generate(3, 2)
	for _, hour := range hours {
		b.write(hour.Batches[0].Cluster, hour.Batches...)
		s := b.open()
		if _, err := s.Upkeep(b.Context(), hour.End); err != nil {
			b.Fatal(err)
		}
		b.close(s)
	}
	w, r, rand := querytest.WorldOf(hours), b.reader(), random(4)
	for i := range 60 {
		q := querytest.RandomQuery(rand)
		q.Level = archive.Raw
		if _, err := w.Judge(b.Context(), r, q); err != nil {
			b.Errorf("question %d, %v", i, err)
		}
		q.Level = query.Auto
		if slices.Contains(q.Aggs, query.Rate) {
			continue // hours divide by the life of an entity, which is not in the batches
		}
		if _, err := w.Judge(b.Context(), r, q); err != nil {
			b.Errorf("question %d of any level, %v", i, err)
		}
	}
	names, err := r.MetricNames(b.Context())
	if err != nil || !slices.IsSorted(names) || !slices.Contains(names, "custom/queue") {
		b.Errorf("the metrics are %v, %v", names, err)
	}
	if kinds, err := r.Carriers(b.Context(), "custom/queue"); err != nil || !slices.Equal(kinds, []schema.Kind{schema.Pod}) {
		b.Errorf("the carriers of custom/queue are %v, %v", kinds, err)
	}
	if kinds, err := r.Carriers(b.Context(), "custom/nosuch"); err != nil || len(kinds) > 0 {
		b.Errorf("the carriers of a metric that is not there are %v, %v", kinds, err)
	}
	got, err := r.Names(b.Context(), query.Query{Filter: archive.Filter{Namespaces: []string{"shop", "ml"}}, Kind: schema.Pod}, "namespace", "pod")
	if len(got) != 8 || err != nil || !slices.Equal(got[0], []string{"ml", "web-0"}) {
		b.Errorf("the pods are %v, %v", got, err)
	}
}

// readersBesidePasses: several goroutines ask one reader while passes write, and
// each answer is of one state: all pods of a batch, or none.
func readersBesidePasses(b *bench) {
	const pods = 40
	batch := func(at schema.Instant) archive.Batch {
		var rows []schema.Row
		for i := range pods {
			rows = append(rows, row(schema.PodEntity("shop", fmt.Sprint("p-", i)), at, "memory/usage", 1))
		}
		return archive.Batch{Rows: rows, Horizon: at}
	}
	b.write(cluster, batch(noon))
	r := b.reader()
	memory, _ := schema.Lookup("memory/usage")
	q := query.Query{Metric: memory, Kind: schema.Pod, By: []string{"cluster"}, Aggs: []query.Agg{query.Count}, From: noon, To: noon + day, Level: archive.Raw}
	done := make(chan struct{})
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				p, _, err := query.Ask(b.Context(), r, q)
				if err != nil {
					b.Error(err)
					return
				}
				err = r.Answer(b.Context(), p, func(got query.Row) error {
					if n := number(got.Values[0]); n == 0 || int(n)%pods != 0 {
						return fmt.Errorf("%v samples, which is no number of whole batches", n)
					}
					return nil
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	for i := range schema.Instant(30) {
		b.write(cluster, batch(noon+(i+1)*minute))
	}
	close(done)
	group.Wait()
}
