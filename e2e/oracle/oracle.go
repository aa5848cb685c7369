// Package oracle says what an archive must hold. It knows what was fed to a
// Heapster, when, and when there was a pass. With what it judges it shares the
// vocabulary, which is package schema's, and with the stand-in the type of a
// batch; and no code that asks, decodes, merges, stores or reads.
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

// IsExported tells which metrics metric-export has of containers
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

// HasURL tells whether the model API can be asked for the entity.
func HasURL(e schema.Entity) bool { return !strings.Contains(e.Container, "/") }

// Oracle says what an archive must hold: the union of what was visible at each
// pass, of the entities that a list showed at that pass or before. It is not
// safe for concurrent use.
type Oracle struct {
	short, long []heapsim.Batch // what Heapster holds, in the order fed
	met         map[schema.Entity]bool
	rows        map[string]string // of SELECT * FROM samples: the last column by the others
}

// New returns the oracle of a Heapster that has just started, and of no archive.
func New() *Oracle {
	return &Oracle{met: make(map[schema.Entity]bool), rows: make(map[string]string)}
}

// Feed notes a batch that Heapster took at some moment from the one to the
// other. It reports whether all these moments are alike: if a batch expired in
// between, nobody knows what Heapster holds.
func (o *Oracle) Feed(b heapsim.Batch, from, to time.Time) (sure bool) {
	short, long := unexpired(o.short, from.Add(-shortKept)), unexpired(o.long, from.Add(-longKept))
	sure = len(short) == len(unexpired(o.short, to.Add(-shortKept))) && len(long) == len(unexpired(o.long, to.Add(-longKept)))
	o.short, o.long = append(short, b), append(long, b)
	return sure
}

func unexpired(batches []heapsim.Batch, limit time.Time) []heapsim.Batch {
	return slices.DeleteFunc(slices.Clone(batches), func(b heapsim.Batch) bool { return !b.At.After(limit) })
}

// Restart notes that Heapster was restarted.
func (o *Oracle) Restart() { o.short, o.long = nil, nil }

// Pass notes a pass, and returns how many samples it must have added.
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

// newest is the batch that metric-export shows, the zero one without any.
func (o *Oracle) newest() heapsim.Batch {
	var newest heapsim.Batch
	for _, b := range o.short {
		if newest.At.Before(b.At) {
			newest = b
		}
	}
	return newest
}

// store adds what the model API has of the batches: of the long metrics, or of
// the others and of the labelled ones.
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

// add adds a sample unless there is one: a value that the model API cut does
// not take the place of an exact one.
func (o *Oracle) add(e schema.Entity, m schema.MetricName, at time.Time, value string) {
	key := sampleKey(e, m, at)
	if _, found := o.rows[key]; !found {
		o.rows[key] = value
	}
}

// export adds what metric-export has of the batch, which is exact.
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

// Labelled is the entity with the labels, spelled in key order.
func Labelled(e schema.Entity, l heapsim.Labelled) schema.Entity {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(l.Labels)) {
		pairs = append(pairs, key+":"+l.Labels[key])
	}
	e.Labels = strings.Join(pairs, ",")
	return e
}

// exact spells a value as the shell shows it. A float without a fraction is
// written as an integer by metric-export.
func exact(v schema.Value) string {
	if integer, ok := v.Int64(); ok {
		return strconv.FormatInt(integer, 10)
	}
	return Float(v.Float64())
}

// Float spells a float, one without a fraction as the integer that JSON makes of
// it.
func Float(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e21 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// shown spells a value as the shell shows what the model API shows of it:
// floats are truncated toward zero, and of the long metrics the store keeps
// only integers.
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

// sampleKey is all columns of a sample but its value, as the shell shows them.
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
