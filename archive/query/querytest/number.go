package querytest

import (
	"cmp"
	"math"
	"math/big"
	"slices"

	"heapstash/schema"
)

// compare compares numbers exactly, also an integer beyond 2^53 with a float.
func compare(a, b schema.Value) int {
	i, aIs := a.Int64()
	j, bIs := b.Int64()
	if aIs && bIs {
		return cmp.Compare(i, j)
	}
	return exact(a).Cmp(exact(b))
}

func exact(v schema.Value) *big.Float {
	if i, is := v.Int64(); is {
		return new(big.Float).SetPrec(256).SetInt64(i)
	}
	return new(big.Float).SetPrec(256).SetFloat64(v.Float64())
}

// growth is what a counter grew by between two samples.
func growth(before, v schema.Value) schema.Value {
	i, is := before.Int64()
	j, too := v.Int64()
	switch {
	case compare(v, before) < 0:
		return v
	case is && too:
		return schema.Int(j - i)
	default:
		return schema.Real(v.Float64() - before.Float64())
	}
}

// total is the sum, rounded once: an integer if all are.
func total(values []schema.Value) schema.Value {
	sum := new(big.Float).SetPrec(256)
	whole := true
	for _, v := range values {
		sum.Add(sum, exact(v))
		_, is := v.Int64()
		whole = whole && is
	}
	if whole {
		i, rounded := sum.Int64()
		if rounded != big.Exact {
			panic("a sum of the world's integers is beyond 64 bits")
		}
		return schema.Int(i)
	}
	f, _ := sum.Float64()
	return schema.Real(f)
}

// nearestRank is the least value that so much of all is not greater than.
func nearestRank(values []schema.Value, share float64) schema.Value {
	sorted := slices.SortedFunc(slices.Values(values), compare)
	return sorted[max(int(math.Ceil(share*float64(len(sorted))-1e-9)), 1)-1]
}

// Same reports whether a number is the wanted one. An integer must be equal. A float
// may differ by rounding, but not be an integer.
func Same(got, want schema.Value) bool {
	_, is := got.Int64()
	_, wanted := want.Int64()
	if is || wanted {
		return got == want
	}
	return Near(got.Float64(), want.Float64())
}

// Near reports whether two floats differ by rounding at most.
func Near(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b), 1)
}
