// Package show prints rows, tables, texts and errors. For people it chooses units. On a
// terminal it breaks lines at words, fits tables to the width, and uses colours; in a
// file or a pipe, lines stay whole, for grep and diff.
package show

import (
	"math"
	"slices"
	"strings"

	"heapstash/schema"
)

// Scale is a unit for printing. Size is how many of the metric's own units it is: Mi is
// 1048576 bytes.
type Scale struct {
	Name string
	Size float64
}

// Nanocores is the unit of the rate of CPU time.
const Nanocores schema.Unit = "ns/s"

// Scales returns the units in which a metric's unit is printed, the smallest first. It is
// empty if values are printed as they are.
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

// Raw returns the metric's own unit as a scale.
func Raw(unit schema.Unit) Scale { return Scale{string(unit), 1} }

// Named returns the scale with the name. The name of a rate may lack its /s.
func Named(scales []Scale, name string) (Scale, bool) {
	i := slices.IndexFunc(scales, func(s Scale) bool { return s.Name == name || strings.TrimSuffix(s.Name, "/s") == name })
	if i < 0 {
		return Scale{}, false
	}
	return scales[i], true
}

// Fitting returns the largest scale that is not larger than the greatest value, or the
// smallest scale. The values are nil, int64 or float64 in the metric's own unit.
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
