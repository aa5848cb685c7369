package schema

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

// TestValuesAreSpelledWithoutExponent: spreadsheets, sort and awk read them, and
// they read back as they were.
func TestValuesAreSpelledWithoutExponent(t *testing.T) {
	for value, want := range map[Value]string{
		Int(math.MinInt64):         "-9223372036854775808",
		Real(4.2051604309333334e9): "4205160430.9333334",
		Real(2):                    "2.0",
		Real(1e15):                 "1000000000000000.0",
		Real(1e21):                 "1000000000000000000000.0",
		Real(2.5e-7):               "0.00000025",
		Real(math.Inf(-1)):         "-Inf",
		Real(-0.5):                 "-0.5",
	} {
		if got := value.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for _, v := range []float64{math.MaxFloat64, math.SmallestNonzeroFloat64, math.Pi * 1e100, -1.0 / 3e9} {
		text := Real(v).String()
		if back, err := strconv.ParseFloat(text, 64); err != nil || back != v || strings.ContainsAny(text, "eE") {
			t.Errorf("%v is spelled %s", v, text)
		}
	}
}
