package answer_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/archive/sqlite"
	"heapstash/schema"
)

// TestGoroutinesAskWhileAWriterWrites: several goroutines ask one reader. Each
// answer is of one state of the archive: all pods have the same number of samples,
// as after each write, and never fewer than before.
func TestGoroutinesAskWhileAWriterWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pass, err := store.BeginPass(t.Context(), archive.Pass{Cluster: "default"})
	if err != nil {
		t.Fatal(err)
	}
	const pods = 20
	write := func(at schema.Instant) {
		batch := archive.Batch{Pass: pass, Cluster: "default", Horizon: at}
		for i := range pods {
			batch.Rows = append(batch.Rows, schema.Row{
				Entity: schema.PodEntity("shop", fmt.Sprint("web-", i)), At: at,
				Readings: []schema.Reading{{Metric: "cpu/usage_rate", Value: schema.Int(int64(i))}},
			})
		}
		if _, err := store.Write(t.Context(), batch); err != nil {
			t.Error(err)
		}
	}
	write(begin)
	reader, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()

	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	for range 6 {
		asking.Go(func() {
			seen := int64(0)
			for answers := 0; ctx.Err() == nil || answers == 0; answers++ {
				n, err := samplesOfEachPod(t.Context(), reader, pods)
				if err != nil {
					t.Error(err)
					return
				}
				if n < seen {
					t.Errorf("%d samples, and %d before", n, seen)
				}
				seen = n
			}
		})
	}
	for i := range schema.Instant(120) {
		at := begin + 60*(i+1)
		write(at)
		if i%30 == 0 {
			if _, err := store.Upkeep(t.Context(), at); err != nil {
				t.Error(err)
			}
		}
	}
	cancel()
	asking.Wait()
	if n, err := samplesOfEachPod(t.Context(), reader, pods); n != 121 || err != nil {
		t.Errorf("%d samples, %v", n, err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

// samplesOfEachPod asks for the number of samples of each pod, and for other
// things besides.
func samplesOfEachPod(ctx context.Context, reader *sqlite.Reader, pods int) (int64, error) {
	q := query.Query{Kind: schema.Pod, Aggs: []query.Agg{query.Count}, From: begin - 3600, To: begin.Add(24 * time.Hour), Level: archive.Raw}
	q.Metric, _ = schema.Lookup("cpu/usage_rate")
	p, c, err := query.Ask(ctx, reader, q)
	if err != nil || c.Entities != pods {
		return 0, errors.Join(err, fmt.Errorf("%d pods", c.Entities))
	}
	p.Segments[len(p.Segments)-1].To = q.To // what was written since
	var counts []int64
	err = reader.Answer(ctx, p, func(row query.Row) error {
		counts = append(counts, row.Values[0].(int64))
		return nil
	})
	if err != nil {
		return 0, err
	}
	if len(counts) != pods || len(slices.Compact(counts)) != 1 {
		return 0, fmt.Errorf("numbers of samples: %v", counts)
	}
	names, err := reader.Names(ctx, q, "namespace", "pod")
	if err == nil && len(names) != pods {
		err = fmt.Errorf("names: %v", names)
	}
	_, statusErr := reader.Status(ctx)
	return counts[0], errors.Join(err, statusErr)
}
