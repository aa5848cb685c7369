package schema

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

// sizeUnits are the units of [Size.String], each 1000 times the one before.
var sizeUnits = [...]string{"B", "kB", "MB", "GB", "TB"}

// String spells the size with three digits, in units of 1000.
func (s Size) String() string {
	n := float64(s)
	for _, unit := range sizeUnits[:4] {
		if n < 999.5 {
			return fmt.Sprintf("%.3g %s", n, unit)
		}
		n /= 1000
	}
	return fmt.Sprintf("%.4g TB", n)
}

// ParseSize reads a size such as 500kB, 1.5 GB or 64MiB: a number that is not
// negative, and a unit of 1000 or of 1024.
func ParseSize(text string) (Size, error) {
	digits := strings.TrimRight(text, "BkKMGTi")
	unit := text[len(digits):]
	n, err := strconv.ParseFloat(strings.TrimSuffix(digits, " "), 64)
	if err != nil || !(n >= 0) || strings.ContainsAny(digits, "xXpP_") {
		return 0, fmt.Errorf("size %q: no number", text)
	}
	scale, base := 1.0, 1000.0
	if prefix, binary := strings.CutSuffix(unit, "iB"); binary {
		unit, base = prefix+"B", 1024
	}
	for _, known := range sizeUnits {
		if strings.EqualFold(unit, known) && (base == 1000 || known != "B") {
			if n*scale >= math.MaxInt64 {
				return 0, fmt.Errorf("size %q: too large", text)
			}
			return Size(n * scale), nil
		}
		scale *= base
	}
	return 0, fmt.Errorf("size %q: no unit", text)
}
