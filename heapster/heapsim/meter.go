package heapsim

import (
	"math"
	"math/rand/v2"
	"time"

	"heapstash/schema"
)

// pageSize is the unit in which memory is measured.
const pageSize = 4096

// values are the metrics of one set without labels.
type values = map[schema.MetricName]schema.Value

// counter only grows.
type counter struct {
	total int64
	grew  int64 // the growth since the batch before
}

func (c *counter) grow(by int64) {
	c.total += by
	c.grew = by
}

// add adds another counter's growth, for a sum that continues when the other ends.
func (c *counter) add(other counter) {
	c.total += other.grew
	c.grew += other.grew
}

// rate is the growth per second. Heapster computes floats.
func (c *counter) rate(dt time.Duration) schema.Value {
	return schema.Real(float64(c.grew) / dt.Seconds())
}

// meter simulates a kubelet's measurements of one cgroup, or has the sum of several.
type meter struct {
	habit  habit // for a single cgroup
	rated  bool  // it was in the batch before, so that its rates are known
	load   int64 // cpu/usage_rate, in millicores
	rss    int64 // in pages
	cache  int64 // in pages
	unused int64 // used pages outside the working set

	cpu, faults, majorFaults counter
}

// habit has the means of a meter's values.
type habit struct {
	millicores float64
	pages      int64 // the mean of rss
	idle       bool
}

// newMeter returns the meter of a cgroup of that age.
func newMeter(r *rand.Rand, h habit, age time.Duration) meter {
	m := meter{habit: h, rated: age > 0, rss: h.pages, cache: r.Int64N(h.pages)}
	m.unused = m.cache / 2
	m.cpu.total = int64(h.millicores * 1e6 * age.Seconds())
	m.faults.total = h.pages + int64(h.millicores*age.Seconds()/4)
	m.majorFaults.total = r.Int64N(40)
	return m
}

// step moves the meter of a cgroup on by dt.
func (m *meter) step(r *rand.Rand, dt time.Duration) {
	h := m.habit
	m.cpu.grow(int64(h.millicores * math.Exp(0.25*r.NormFloat64()) * 1e6 * dt.Seconds()))
	m.load = 1000 * m.cpu.grew / dt.Nanoseconds()
	moves := 1.0
	if h.idle {
		moves = 0.1
	}
	m.faults.grow(0)
	if r.Float64() < moves {
		m.faults.grow(int64(h.millicores / 4 * r.ExpFloat64() * dt.Seconds()))
	}
	m.majorFaults.grow(0)
	if r.Float64() < 0.02*moves {
		m.majorFaults.grow(1 + r.Int64N(3))
	}
	if r.Float64() < 0.8*moves {
		m.rss = walk(r, m.rss, h.pages)
	}
	if r.Float64() < 0.6*moves {
		m.cache = walk(r, m.cache, h.pages/2)
		m.unused = m.cache / 2
	}
}

// walk takes a random step of about half a percent, with a pull towards home. It
// always moves, and stays above 0.
func walk(r *rand.Rand, from, home int64) int64 {
	step := int64(0.005*float64(home)*r.NormFloat64()) + (home-from)/50
	if step == 0 || from+step <= 0 {
		step = 1
	}
	return from + step
}

// sum begins a new sum. Its counters continue.
func (m *meter) sum() {
	*m = meter{rated: true, cpu: m.cpu, faults: m.faults, majorFaults: m.majorFaults}
	m.cpu.grew, m.faults.grew, m.majorFaults.grew = 0, 0, 0
}

// add adds a meter to a sum. A sum is rated only if all its meters are: without one
// of the rates, the sum of the rates would be wrong.
func (m *meter) add(other *meter) {
	m.rated = m.rated && other.rated
	m.load += other.load
	m.rss += other.rss
	m.cache += other.cache
	m.unused += other.unused
	m.cpu.add(other.cpu)
	m.faults.add(other.faults)
	m.majorFaults.add(other.majorFaults)
}

// usage is memory/usage in bytes.
func (m *meter) usage() int64 { return (m.rss + m.cache) * pageSize }

// writeGauges writes the gauges and the rates, which pods have too.
func (m *meter) writeGauges(to values, dt time.Duration) {
	to["cpu/load"] = schema.Int(0)
	to["memory/usage"] = schema.Int(m.usage())
	to["memory/working_set"] = schema.Int(m.usage() - m.unused*pageSize)
	to["memory/rss"] = schema.Int(m.rss * pageSize)
	to["memory/cache"] = schema.Int(m.cache * pageSize)
	if m.rated {
		to["cpu/usage_rate"] = schema.Int(m.load)
		to["memory/page_faults_rate"] = m.faults.rate(dt)
		to["memory/major_page_faults_rate"] = m.majorFaults.rate(dt)
	}
}

// writeCounters writes the counters, which pods do not have.
func (m *meter) writeCounters(to values) {
	to["cpu/usage"] = schema.Int(m.cpu.total)
	to["memory/page_faults"] = schema.Int(m.faults.total)
	to["memory/major_page_faults"] = schema.Int(m.majorFaults.total)
}
