package main

import (
	"heapstash/archive/collect"
	"heapstash/heapster"
	"heapstash/schema"
)

// Limits bound what a pass takes of whoever answers in Heapster's place. They
// have no flag: their variables are HEAPSTASH_LIMITS_...
type Limits struct {
	Answer   schema.Size `mapstructure:"answer"`
	Export   schema.Size `mapstructure:"export"`
	Text     schema.Size `mapstructure:"text"`
	Name     schema.Size `mapstructure:"name"`
	Entities int         `mapstructure:"entities"`
	Metrics  int         `mapstructure:"metrics"`
	Points   int         `mapstructure:"points"`
	Samples  int         `mapstructure:"samples"`
	Depth    int         `mapstructure:"depth"`
}

// defaultLimits are those of the packages that keep them.
func defaultLimits() Limits {
	l := heapster.DefaultLimits()
	return Limits{
		Answer:   l.Answer,
		Export:   l.Export,
		Text:     l.Text,
		Name:     l.Name,
		Entities: l.Entities,
		Metrics:  l.Metrics,
		Points:   l.Points,
		Samples:  collect.DefaultOptions().MaxSamples,
		Depth:    l.Depth,
	}
}

// ofAnswers are the limits that each answer is held to.
func (l Limits) ofAnswers() heapster.Limits {
	return heapster.Limits{
		Answer:   l.Answer,
		Export:   l.Export,
		Text:     l.Text,
		Name:     l.Name,
		Entities: l.Entities,
		Metrics:  l.Metrics,
		Points:   l.Points,
		Depth:    l.Depth,
	}
}

// check reports limits that no Heapster would keep within.
func (l Limits) check(fs *Faults) {
	for _, s := range []struct {
		key         string
		size, least schema.Size
	}{
		{"limits.answer", l.Answer, 10e3}, {"limits.export", l.Export, 10e3}, {"limits.text", l.Text, 1e3}, {"limits.name", l.Name, 253},
	} {
		fs.check(s.size >= s.least, s.key, "%v is too little: at least %v", s.size, s.least)
	}
	for _, n := range []struct {
		key          string
		count, least int
	}{
		{"limits.entities", l.Entities, 100}, {"limits.metrics", l.Metrics, 100}, {"limits.points", l.Points, 100},
		{"limits.samples", l.Samples, 1000}, {"limits.depth", l.Depth, 10},
	} {
		fs.check(n.count >= n.least, n.key, "%d is too little: at least %d", n.count, n.least)
	}
}
