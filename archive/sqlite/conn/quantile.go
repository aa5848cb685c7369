package conn

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/mattn/go-sqlite3"

	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// heldValues is how many values the quantiles of one query may hold at a time:
// 512 MB.
const heldValues = 512 << 20 / int64(unsafe.Sizeof(schema.Value{}))

// registerQuantiles adds the aggregates median(x) and quantile(x, p) to a
// connection. They use the nearest rank, like p50 and p95 of rollups: the smallest
// value x such that at least the share p of all values is at or below it. So the
// result is one of the values, exact to 64 bits. NULLs do not count; without any
// value the result is NULL. They cannot be window functions.
func registerQuantiles(conn *sqlite3.SQLiteConn) error {
	var held atomic.Int64
	median := func() *medianAggregate { return &medianAggregate{values{name: "median", held: &held}} }
	quantile := func() *quantileAggregate { return &quantileAggregate{values: values{name: "quantile", held: &held}} }
	return errors.Join(
		conn.RegisterAggregator("median", median, true),
		conn.RegisterAggregator("quantile", quantile, true),
	)
}

// medianAggregate is median(x).
type medianAggregate struct{ values }

// Step takes in a row.
func (m *medianAggregate) Step(x any) error { return m.add(x) }

// Done returns the median.
func (m *medianAggregate) Done() any { return m.nearest(0.5) }

// quantileAggregate is quantile(x, p), with the same p for all rows of a group.
type quantileAggregate struct {
	values
	share float64
	known bool
}

// Step takes in a row.
func (q *quantileAggregate) Step(x, p any) error {
	var share float64
	switch p := p.(type) {
	case int64:
		share = float64(p)
	case float64:
		share = p
	default:
		share = -1
	}
	if share < 0 || share > 1 {
		return errors.New("quantile(x, p): p must be a number from 0 to 1, such as 0.95")
	}
	if q.known && share != q.share {
		return errors.New("quantile(x, p): p must be the same in all rows of a group")
	}
	q.share, q.known = share, true
	return q.add(x)
}

// Done returns the quantile.
func (q *quantileAggregate) Done() any { return q.nearest(q.share) }

// values are the values of one group.
type values struct {
	name string
	list []schema.Value
	held *atomic.Int64 // number of values that all groups of the connection hold
}

func (v *values) add(x any) error {
	var value schema.Value
	switch x := x.(type) {
	case int64:
		value = schema.Int(x)
	case float64:
		value = schema.Real(x)
	case []byte:
		if x == nil { // NULL
			return nil
		}
		return fmt.Errorf("%s(x): x is a blob, and must be a number", v.name)
	default:
		return fmt.Errorf("%s(x): x is the text %.40q, and must be a number", v.name, x)
	}
	if v.held.Add(1) > heldValues {
		return fmt.Errorf("%s(x): there are more than %d values: ask for less at once", v.name, heldValues)
	}
	v.list = append(v.list, value)
	return nil
}

// nearest returns the value at the rank of the share, or nil without values.
func (v *values) nearest(share float64) any {
	v.held.Add(-int64(len(v.list)))
	if len(v.list) == 0 {
		return nil
	}
	slices.SortFunc(v.list, tables.CompareValues)
	// A share such as 0.07 is not an exact float: 0.07 * 100 is slightly above 7.
	rank := share * float64(len(v.list))
	rank = math.Ceil(rank - rank*1e-15)
	value := v.list[min(max(int(rank), 1), len(v.list))-1]
	if whole, isInt := value.Int64(); isInt {
		return whole
	}
	return value.Float64()
}
