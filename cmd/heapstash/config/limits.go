package config

import (
	"heapstash/archive/collect"
	"heapstash/heapster/wire"
	"heapstash/schema"
)

// Limits bound what a pass takes of a server that answers as Heapster. They
// have no flag: their variables are HEAPSTASH_LIMITS_...
type Limits struct {
	Export   schema.Size `mapstructure:"export"`
	Entities int         `mapstructure:"entities"`
	Metrics  int         `mapstructure:"metrics"`
	Samples  int         `mapstructure:"samples"`
}

// defaultLimits returns the defaults of the packages that enforce them.
func defaultLimits() Limits {
	l := wire.Limits{}.WithDefaults()
	return Limits{Export: l.Export, Entities: l.Entities, Metrics: l.Metrics, Samples: collect.DefaultOptions().MaxSamples}
}

// Heapster returns the limits of each answer of Heapster.
func (l Limits) Heapster() wire.Limits {
	return wire.Limits{Export: l.Export, Entities: l.Entities, Metrics: l.Metrics}
}

// check adds a fault for each limit that every Heapster exceeds.
func (l Limits) check(fs *Faults) {
	const leastExport schema.Size = 10e3
	fs.check(l.Export >= leastExport, "limits.export", "%v is too little: at least %v", l.Export, leastExport)
	for _, n := range []struct {
		key          string
		count, least int
	}{
		{"limits.entities", l.Entities, 100}, {"limits.metrics", l.Metrics, 100}, {"limits.samples", l.Samples, 1000},
	} {
		fs.check(n.count >= n.least, n.key, "%d is too little: at least %d", n.count, n.least)
	}
}
