// Package oracle knows the samples that an archive must hold. A test tells it of
// every batch of a Heapster and of every pass. The oracle shares the vocabulary
// of package schema with heapstash, and the type of a batch with the stand-in. It
// shares no code that requests, decodes, merges, stores or reads samples.
package oracle

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// How long Heapster keeps a sample (metrics/sinks/factory.go).
const (
	shortKept = 140 * time.Second
	longKept  = 15 * time.Minute // of the metrics that isLong names
)

func isLong(m schema.MetricName) bool { return m == "cpu/usage_rate" || m == "memory/usage" }

// IsExported reports whether metric-export has the metric of a container
// (metrics/core/metrics.go: StandardMetrics, and the limits).
func IsExported(m schema.MetricName) bool {
	switch m {
	case "uptime", "cpu/usage", "cpu/limit",
		"memory/usage", "memory/rss", "memory/cache", "memory/working_set", "memory/limit",
		"memory/page_faults", "memory/major_page_faults":
		return true
	}
	return false
}

func isContainer(k schema.Kind) bool { return k == schema.Container || k == schema.SystemContainer }

// HasURL reports whether a URL of the model API can name the entity.
func HasURL(e schema.Entity) bool { return !strings.Contains(e.Container, "/") }

// Oracle computes the samples of an archive: all that were visible at a pass, of
// entities that a list showed at that pass or before. It is not safe for
// concurrent use.
type Oracle struct {
	short, long []heapsim.Batch // what Heapster holds, in the order fed
	met         map[schema.Entity]bool
	rows        map[string]string // of SELECT * FROM samples: the last column by all others
}

// New returns the oracle of a Heapster without a batch and of an empty archive.
func New() *Oracle {
	return &Oracle{met: make(map[schema.Entity]bool), rows: make(map[string]string)}
}

// Feed notes a batch that Heapster took at some moment between from and to. It is
// sure of what Heapster holds unless an older batch expired between the two.
func (o *Oracle) Feed(b heapsim.Batch, from, to time.Time) (sure bool) {
	short, long := unexpired(o.short, from.Add(-shortKept)), unexpired(o.long, from.Add(-longKept))
	sure = len(short) == len(unexpired(o.short, to.Add(-shortKept))) && len(long) == len(unexpired(o.long, to.Add(-longKept)))
	o.short, o.long = append(short, b), append(long, b)
	return sure
}

// Calm returns the first moment from at on after which no batch expires for a time.
// Then a batch that Heapster takes during that time is sure: see [Oracle.Feed].
func (o *Oracle) Calm(at time.Time, length time.Duration) time.Time {
	var ends []time.Time
	for _, b := range o.short {
		ends = append(ends, b.At.Add(shortKept))
	}
	for _, b := range o.long {
		ends = append(ends, b.At.Add(longKept))
	}
	slices.SortFunc(ends, time.Time.Compare)
	for _, end := range ends {
		if !end.Before(at) && end.Before(at.Add(length)) {
			at = end.Add(time.Millisecond)
		}
	}
	return at
}

func unexpired(batches []heapsim.Batch, limit time.Time) []heapsim.Batch {
	return slices.DeleteFunc(slices.Clone(batches), func(b heapsim.Batch) bool { return !b.At.After(limit) })
}

// Restart notes a restart of Heapster.
func (o *Oracle) Restart() { o.short, o.long = nil, nil }

// Pass notes a pass and returns the number of samples that it must add.
func (o *Oracle) Pass() (added int) {
	if len(o.short) > 0 { // the lists show what was fed last
		for _, set := range o.short[len(o.short)-1].Sets {
			o.met[set.Entity] = true
		}
	}
	before := len(o.rows)
	newest := o.newest()
	for _, set := range newest.Sets {
		for _, l := range set.Labelled {
			o.met[Labelled(set.Entity, l)] = true
		}
	}
	o.store(o.short, false)
	o.store(o.long, true)
	o.export(newest)
	return len(o.rows) - before
}

// newest is the batch that metric-export shows; the zero batch if there is none.
func (o *Oracle) newest() heapsim.Batch {
	var newest heapsim.Batch
	for _, b := range o.short {
		if newest.At.Before(b.At) {
			newest = b
		}
	}
	return newest
}

// store adds the samples that the model API has of the batches: of the long
// metrics, or of all others, labelled metrics included.
func (o *Oracle) store(batches []heapsim.Batch, long bool) {
	for _, b := range batches {
		for _, set := range b.Sets {
			if !o.met[set.Entity] || !HasURL(set.Entity) {
				continue
			}
			for metric, value := range set.Values {
				if isLong(metric) == long {
					o.add(set.Entity, metric, b.At, shown(value, long))
				}
			}
			for _, l := range set.Labelled {
				if of := Labelled(set.Entity, l); !long && o.met[of] {
					o.add(of, l.Metric, b.At, shown(l.Value, false))
				}
			}
		}
	}
}

// add adds a sample unless there is one: a value that the model API cut must not
// replace an exact one.
func (o *Oracle) add(e schema.Entity, m schema.MetricName, at time.Time, value string) {
	key := sampleKey(e, m, at)
	if _, found := o.rows[key]; !found {
		o.rows[key] = value
	}
}

// export adds the exact values that metric-export has of the batch.
func (o *Oracle) export(b heapsim.Batch) {
	for _, set := range b.Sets {
		for metric, value := range set.Values {
			if isContainer(set.Entity.Kind) && o.met[set.Entity] && IsExported(metric) {
				o.rows[sampleKey(set.Entity, metric, b.At)] = exact(value)
			}
		}
		for _, l := range set.Labelled {
			o.rows[sampleKey(Labelled(set.Entity, l), l.Metric, b.At)] = exact(l.Value)
		}
	}
}

// Labelled returns the entity with the labels in the order of their keys.
func Labelled(e schema.Entity, l heapsim.Labelled) schema.Entity {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(l.Labels)) {
		pairs = append(pairs, key+":"+l.Labels[key])
	}
	e.Labels = strings.Join(pairs, ",")
	return e
}

// exact spells a value as the shell shows it. metric-export writes a float without
// a fraction as an integer.
func exact(v schema.Value) string {
	if integer, ok := v.Int64(); ok {
		return strconv.FormatInt(integer, 10)
	}
	return Float(v.Float64())
}

// Float spells a float. JSON has a float without a fraction as an integer.
func Float(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e21 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// shown spells the value that the model API shows. It truncates floats toward
// zero; for the long metrics Heapster stores no floats and shows 0.
func shown(v schema.Value, long bool) string {
	integer, ok := v.Int64()
	switch {
	case ok:
	case long:
		integer = 0
	default:
		integer = int64(v.Float64())
	}
	return strconv.FormatInt(integer, 10)
}

// sampleKey spells all columns of a sample except its value, as the shell does.
func sampleKey(e schema.Entity, m schema.MetricName, at time.Time) string {
	orNull := func(name string) string { return cmp.Or(name, "NULL") }
	return strings.Join([]string{
		"default", e.Kind.String(), orNull(e.Namespace), orNull(e.Pod), orNull(e.Container), orNull(e.Node), orNull(e.Labels),
		string(m), strconv.FormatInt(at.Unix(), 10), at.UTC().Format(time.RFC3339),
	}, "\t")
}

// Samples are the rows that SELECT * FROM samples must return, sorted.
func (o *Oracle) Samples() []string {
	rows := make([]string, 0, len(o.rows))
	for key, value := range o.rows {
		rows = append(rows, key+"\t"+value)
	}
	slices.Sort(rows)
	return rows
}
