package lake

import (
	"hash/maphash"

	"heapstash/schema"
)

// digest has counts and sums of rows, in any order: of two digests that are equal, the
// rows are, too.
type digest struct {
	rows, samples int64
	sum           uint64

	entity  *schema.Entity
	metric  schema.MetricName
	current uint64 // hash of the above
}

var seed = maphash.MakeSeed()

func (d *digest) add(r Row) {
	if d.entity == nil || *r.Entity != *d.entity || r.Metric != d.metric {
		own := *r.Entity
		d.entity, d.metric = &own, r.Metric
		d.current = maphash.Comparable(seed, struct {
			schema.Entity
			schema.MetricName
		}{own, r.Metric})
	}
	d.rows++
	key := mix(d.current + uint64(r.At))
	d.sum += key
	for i, c := range r.Cells {
		if !c.Set {
			continue
		}
		d.samples++
		bits, isInt := c.Value.Int64()
		kind := uint64(2 * i)
		if !isInt {
			kind++
		}
		d.sum += mix(key ^ mix(uint64(bits)^mix(kind)))
	}
}

// equal reports whether the rows are the same.
func (d *digest) equal(other *digest) bool {
	return d.rows == other.rows && d.samples == other.samples && d.sum == other.sum
}

// mix is the finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
