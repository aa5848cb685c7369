// Package show lays out numbers and text for people. Numbers are in units that
// people read, one unit a column. Lines break at words, tables fit, and colours
// show: on terminals alone. Output that goes to a file or a pipe keeps its
// lines whole, for grep and for diff.
package show

import (
	"math"
	"slices"
	"strings"

	"heapstash/schema"
)

// Scale is a unit that values are shown in. Size is its length in the metric's
// own unit: Mi has 1048576 of bytes.
type Scale struct {
	Name string
	Size float64
}

// Nanocores is the unit of the growth of CPU time per second.
const Nanocores schema.Unit = "ns/s"

// Scales returns the units that people read instead of a metric's unit, the
// smallest first. It is empty where values are shown as they are.
func Scales(unit schema.Unit) []Scale {
	switch unit {
	case schema.Bytes:
		return []Scale{{"B", 1}, {"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"Ti", 1 << 40}}
	case schema.BytesPerSecond:
		return []Scale{{"B/s", 1}, {"Ki/s", 1 << 10}, {"Mi/s", 1 << 20}, {"Gi/s", 1 << 30}, {"Ti/s", 1 << 40}}
	case schema.Millicores:
		return []Scale{{"millicores", 1}, {"cores", 1000}}
	case Nanocores:
		return []Scale{{"millicores", 1e6}, {"cores", 1e9}}
	case schema.Nanoseconds:
		return []Scale{{"ms", 1e6}, {"s", 1e9}, {"h", 3600e9}, {"d", 86400e9}}
	case schema.Milliseconds:
		return []Scale{{"ms", 1}, {"s", 1e3}, {"h", 3600e3}, {"d", 86400e3}}
	case schema.Milliloads:
		return []Scale{{"milliloads", 1}, {"loads", 1000}}
	case schema.Percent:
		return []Scale{{"%", 1}}
	case schema.Ratio:
		return []Scale{{"%", 0.01}}
	case schema.PerSecond:
		return []Scale{{"/s", 1}}
	default:
		return nil
	}
}

// Raw is the metric's own unit.
func Raw(unit schema.Unit) Scale { return Scale{string(unit), 1} }

// Named finds a scale by its name. A rate's name may be without its /s.
func Named(scales []Scale, name string) (Scale, bool) {
	i := slices.IndexFunc(scales, func(s Scale) bool { return s.Name == name || strings.TrimSuffix(s.Name, "/s") == name })
	if i < 0 {
		return Scale{}, false
	}
	return scales[i], true
}

// Fitting is the scale for values of the unit, given in that unit: the largest
// scale that the greatest of the values has one of, or the smallest scale. Each
// value is nil, int64 or float64.
func Fitting(unit schema.Unit, values []any) Scale {
	scales := Scales(unit)
	if len(scales) == 0 {
		return Raw(unit)
	}
	var greatest float64
	for _, value := range values {
		if v, ok := Float(value); ok && !math.IsNaN(v) {
			greatest = max(greatest, math.Abs(v))
		}
	}
	chosen := scales[0]
	for _, s := range scales {
		if greatest >= s.Size {
			chosen = s
		}
	}
	return chosen
}
