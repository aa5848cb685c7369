package transfer

import (
	"context"
	"hash/fnv"
	"math"
	"math/bits"

	"heapstash/archive"
	"heapstash/schema"
)

// piece is the raw samples of a kind on a day of UTC: what is copied and compared at
// once.
type piece struct {
	day  schema.Instant // its begin
	kind schema.Kind
}

const day = 24 * 60 * 60

// selection selects the piece's samples.
func (p piece) selection() archive.Selection {
	return archive.Selection{Kinds: []schema.Kind{p.kind}, Window: schema.Window{From: max(p.day, 1), To: p.day + day - 1}, Shown: true}
}

// digest is a count of samples, and a sum over them that no order changes: of a hash of
// the sample's key and value.
type digest struct{ count, sum uint64 }

// digests are the digests of a piece by cluster.
type digests map[string]digest

// sum returns the digests of the piece.
func (p piece) sum(ctx context.Context, from archive.Samples) (digests, error) {
	all := make(digests)
	for series, err := range from.Series(ctx, p.selection()) {
		if err != nil {
			return nil, err
		}
		h := newHasher(series)
		for s := range series.Samples {
			h.add(s)
		}
		all.add(series.Cluster, h.digest)
	}
	return all, nil
}

func (d digests) add(cluster string, more digest) {
	old := d[cluster]
	d[cluster] = digest{old.count + more.count, old.sum + more.sum}
}

// hasher sums the samples of a series.
type hasher struct {
	digest
	keys []uint64 // of the columns
}

func newHasher(s *archive.Series) *hasher {
	h := &hasher{keys: make([]uint64, len(s.Columns))}
	e := s.Entity
	names := fnv.New64a()
	for _, name := range []string{s.Cluster, e.Kind.String(), e.Namespace, e.Pod, e.Container, e.Node, e.Labels} {
		names.Write([]byte(name + "\x00"))
	}
	for i, c := range s.Columns {
		metric := fnv.New64a()
		metric.Write([]byte(c.Metric))
		h.keys[i] = mix(names.Sum64(), metric.Sum64())
	}
	return h
}

// add adds a sample.
func (h *hasher) add(s archive.Sample) {
	h.count++
	h.sum += mix(mix(h.keys[s.Column], uint64(s.At)), valueBits(s.Value))
}

// valueBits returns the bits of a value. Two integers have the same bits only if they are
// equal, and so have two floats. A float's bits are moved and inverted in part, so that it
// does not have the bits of an equal integer. -0.0 is 0.0, as in SQLite.
func valueBits(v schema.Value) uint64 {
	if i, ok := v.Int64(); ok {
		return uint64(i)
	}
	f := v.Float64()
	if f == 0 {
		f = 0
	}
	return bits.RotateLeft64(math.Float64bits(f), 17) ^ 0x9e3779b97f4a7c15
}

// mix mixes two words into one.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0xa0761d6478bd642f, b^0xe7037ed1a0b428db)
	return high ^ low
}
