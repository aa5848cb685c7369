// Package archivetest is the suite that every engine of an archive passes: what a
// pass stores can be read back cell by cell, nothing is stored twice, and a
// question has the answer that its samples give. An engine passes it by one call
// of [Run].
//
// [InMemory] is an engine without a file. It shows that the contract can be met
// without SQL, and tests of passes may use it where no file matters.
package archivetest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/schema"
)

// Engine opens one archive, which is empty at first, again and again.
type Engine struct {
	// Store opens it for a pass. The retention is the only setting.
	Store func(ctx context.Context, retention archive.Retention) (Store, error)
	// Reader opens it for reading.
	Reader func(ctx context.Context) (Reader, error)
	// NoCounts says that [archive.Written] is not counted.
	NoCounts bool
	// Slack is how much longer than its retention the engine may keep a sample.
	Slack time.Duration
}

// Store is an archive that is open for one pass.
type Store interface {
	collect.Store
	Close() error
}

// Run runs the suite. Make returns another archive for each test.
func Run(t *testing.T, make func(t *testing.T) Engine) {
	for name, test := range map[string]func(*bench){
		"every kind of cell":    everyCell,
		"the same again":        sameAgain,
		"cut and exact values":  cutValues,
		"ratios as shown":       shownRatios,
		"conflicts":             conflicts,
		"late rows":             lateRows,
		"overlapping batches":   overlaps,
		"interrupted writes":    interrupted,
		"two clusters":          twoClusters,
		"the ledger":            ledger,
		"memory":                remembers,
		"memory of identities":  remembersIdentities,
		"memory fades":          forgets,
		"clock set back":        clockSetBack,
		"retention":             retention,
		"selections":            selections,
		"plans":                 plans,
		"mixed numbers":         mixedNumbers,
		"readers beside passes": readersBesidePasses,
	} {
		t.Run(name, func(t *testing.T) { test(&bench{t, make(t)}) })
	}
}

// bench is one archive under test.
type bench struct {
	*testing.T
	Engine
}

const (
	cluster = "prod"
	minute  = schema.Instant(60)
	hour    = 60 * minute
	day     = 24 * hour
)

// noon is a moment from which hours and days are counted.
var noon = schema.InstantOf(time.Date(2017, 9, 27, 12, 0, 0, 0, time.UTC))

// sampleKey is the key of a sample.
type sampleKey struct {
	Cluster string
	Entity  schema.Entity
	Metric  schema.MetricName
	At      schema.Instant
}

func (c sampleKey) String() string {
	return fmt.Sprintf("%s %v %s at %v", c.Cluster, c.Entity, c.Metric, c.At)
}

// open opens the archive for a pass without a retention.
func (b *bench) open() Store {
	b.Helper()
	return b.openKeeping(nil)
}

func (b *bench) openKeeping(r archive.Retention) Store {
	b.Helper()
	s, err := b.Store(b.Context(), r)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func (b *bench) close(s Store) {
	b.Helper()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// begin opens a pass of the cluster.
func (b *bench) begin(s Store, of string) archive.Pass {
	b.Helper()
	p := archive.Pass{Cluster: of, Version: "test", Started: noon.Time()}
	var err error
	if p.ID, err = s.BeginPass(b.Context(), p); err != nil {
		b.Fatal(err)
	}
	return p
}

// end ends it.
func (b *bench) end(s Store, p archive.Pass, holes ...archive.Hole) {
	b.Helper()
	p.Finished = p.Started.Add(time.Second)
	if p.Outcome == "" {
		p.Outcome = archive.OutcomeComplete
	}
	if err := s.EndPass(b.Context(), p, holes); err != nil {
		b.Fatal(err)
	}
}

// write makes a pass that writes the batches.
func (b *bench) write(of string, batches ...archive.Batch) (sum archive.Written) {
	b.Helper()
	s := b.open()
	p := b.begin(s, of)
	for _, batch := range batches {
		batch.Pass, batch.Cluster = p.ID, of
		p.Horizon = max(p.Horizon, batch.Horizon)
		w, err := s.Write(b.Context(), batch)
		if err != nil {
			b.Fatal(err)
		}
		sum.New += w.New
		sum.Duplicates += w.Duplicates
		sum.Conflicts += w.Conflicts
	}
	b.end(s, p)
	b.close(s)
	return sum
}

// written compares the counts, if the engine counts.
func (b *bench) written(got archive.Written, want archive.Written) {
	b.Helper()
	if got != want && !b.NoCounts {
		b.Errorf("written: %+v, want %+v", got, want)
	}
}

// upkeep makes passes of the cluster that do nothing but upkeep, until nothing is left to do.
func (b *bench) upkeep(r archive.Retention, now schema.Instant) {
	b.Helper()
	for range 1000 {
		s := b.openKeeping(r)
		p := b.begin(s, cluster)
		done, err := s.Upkeep(b.Context(), now)
		if err != nil {
			b.Fatal(err)
		}
		b.end(s, p)
		b.close(s)
		if done == (archive.Upkeep{}) {
			return
		}
	}
	b.Fatal("upkeep has no end")
}

// holds compares all raw samples of the archive with those wanted.
func (b *bench) holds(want map[sampleKey]schema.Value) {
	b.Helper()
	got := b.samples(archive.Selection{})
	for _, c := range slices.SortedFunc(maps.Keys(want), compareKeys) {
		if v, ok := got[c]; !ok {
			b.Errorf("%v is missing", c)
		} else if v != want[c] {
			b.Errorf("%v is %v, want %v", c, v, want[c])
		}
	}
	for _, c := range slices.SortedFunc(maps.Keys(got), compareKeys) {
		if _, ok := want[c]; !ok {
			b.Errorf("%v is %v, and was never written", c, got[c])
		}
	}
}

func compareKeys(a, b sampleKey) int { return strings.Compare(a.String(), b.String()) }

// row is a row of alternating metrics and values.
func row(e schema.Entity, at schema.Instant, readings ...any) schema.Row {
	r := schema.Row{Entity: e, At: at}
	for i := 0; i < len(readings); i += 2 {
		r.Readings = append(r.Readings, schema.Reading{Metric: schema.MetricName(readings[i].(string)), Value: value(readings[i+1])})
	}
	return r
}

func value(v any) schema.Value {
	switch v := v.(type) {
	case int:
		return schema.Int(int64(v))
	case int64:
		return schema.Int(v)
	default:
		return schema.Real(v.(float64))
	}
}

// samplesOf lists the samples of rows; a sample that comes twice keeps the first value.
func samplesOf(of string, rows ...schema.Row) map[sampleKey]schema.Value {
	samples := make(map[sampleKey]schema.Value)
	for _, r := range rows {
		for _, reading := range r.Readings {
			c := sampleKey{of, r.Entity, reading.Metric, r.At}
			if _, twice := samples[c]; !twice {
				samples[c] = reading.Value
			}
		}
	}
	return samples
}

func union(all ...map[sampleKey]schema.Value) map[sampleKey]schema.Value {
	sum := make(map[sampleKey]schema.Value)
	for _, samples := range all {
		maps.Copy(sum, samples)
	}
	return sum
}

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 16)) }
