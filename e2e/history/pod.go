package history

import (
	"math"

	"heapstash/schema"
)

// pageSize is the unit in which memory is measured.
const pageSize = 4096

// simulate calls row for each minute of a life that has one, and adds the life
// to its namespace and its node.
func (p *plan) simulate(ns *group, l *life, row func(schema.Instant, *sample)) {
	var (
		r, w     = l.rand, l.workload
		s        = emptySample()
		idle     = w.perSecond == 0
		faulty   = r.Float64() < 0.03
		rss      = w.pages
		cache    = 1 + r.Int64N(w.pages)
		received = int64(w.perSecond * float64(l.age))
		sent     = received * 3 / 2
		errors   int64
		restarts int64
		load     float64
		growth   float64
	)
	s[cpuRequest], s[cpuLimit] = w.requests.cpuRequest, w.requests.cpuLimit
	s[memoryRequest], s[memoryLimit] = w.requests.memoryRequest, w.requests.memoryLimit
	s[cpuLoad], s[networkTxErrors] = 0, 0
	ns.request(l, w.requests)
	l.node.request(l, w.requests)
	since := p.at(l.from) - l.age
	for m := l.from; m < l.to; m++ {
		at := p.at(m)
		if m == l.from || at%hour == 0 {
			load = w.millicores
			if !idle {
				load *= season(at, ns.system)
			}
			growth = ns.growth(at)
		}
		rate := int64(load*math.Exp(0.25*r.NormFloat64()) + 0.5)
		moves := 1.0
		if idle {
			moves = 0.1
		}
		if home := int64(float64(w.pages) * growth); r.Float64() < 0.8*moves || growth > 1 {
			rss = walk(r.NormFloat64(), rss, home)
		}
		if r.Float64() < 0.6*moves {
			cache = walk(r.NormFloat64(), cache, w.pages/2)
		}
		if l.crashes && r.Float64() < 1.0/(4*minutesOfDay) {
			restarts++
			rss = w.pages / 3
		}
		var faults, major, in, out, failed int64
		if r.Float64() < moves {
			faults = int64(load / 4 * r.ExpFloat64() * 60)
		}
		if r.Float64() < 0.02*moves {
			major = 1 + r.Int64N(3)
		}
		if !idle {
			in = int64(w.perSecond * load / w.millicores * math.Exp(0.4*r.NormFloat64()) * 60)
			out = in * (130 + r.Int64N(40)) / 100
		}
		if faulty && r.Float64() < 0.1 {
			failed = 1 + r.Int64N(5)
		}
		received, sent, errors = received+in, sent+out, errors+failed
		ns.add(m, rate, rss, cache, 0, 0, 0)
		l.node.add(m, rate, rss, cache, faults, in, out)
		if p.out(at) {
			continue
		}

		s[memoryRSS], s[memoryCache] = rss*pageSize, cache*pageSize
		s[memoryUsage] = (rss + cache) * pageSize
		s[memoryWorkingSet] = (rss + cache - cache/2) * pageSize
		s[networkRx], s[networkTx], s[networkRxErrors] = received, sent, errors
		s[restartCount] = restarts
		s[uptime] = int64(at-since)*1000 + r.Int64N(40)
		if m > l.from || l.from == 0 { // a rate takes two scrapes
			s[cpuUsageRate], s[memoryFaultsRate], s[memoryMajorFaultsRate] = rate, faults/60, major/60
			s[networkRxRate], s[networkTxRate], s[networkRxErrorsRate], s[networkTxErrorsRate] = in/60, out/60, failed/60, 0
		}
		row(at, &s)
	}
}

// walk takes a random step of about half a percent, drawn back to where the
// value settles. It always moves, and stays above 0.
func walk(normal float64, from, home int64) int64 {
	step := int64(0.005*float64(home)*normal) + (home-from)/50
	if step == 0 || from+step <= 0 {
		step = 1
	}
	return from + step
}
