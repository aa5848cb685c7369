package schema

import "fmt"

// Size is a number of bytes.
type Size int64

// String spells the size for people, in units of 1000.
func (s Size) String() string {
	n := float64(s)
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if n < 999.5 {
			return fmt.Sprintf("%.3g %s", n, unit)
		}
		n /= 1000
	}
	return fmt.Sprintf("%.4g TB", n)
}
