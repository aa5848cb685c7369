package schema

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

// TestValuesAreSpelledWithoutExponent: spreadsheets, sort and awk can read values, and
// values read back unchanged.
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

func TestMeet(t *testing.T) {
	cut, exact := Int(2), Real(2.999)
	for _, test := range []struct {
		stored, new, stays Value
		verdict            Verdict
	}{
		{cut, cut, cut, Same},
		{exact, exact, exact, Same},
		{exact, cut, exact, Same},
		{cut, exact, exact, Refined},
		{Int(-2), Real(-2.999), Real(-2.999), Refined},
		{Int(0), Real(-0.5), Real(-0.5), Refined},
		{cut, Int(3), cut, Conflicting},
		{cut, Real(3.5), cut, Conflicting},
		{exact, Real(2.5), exact, Conflicting},
		{exact, Int(3), exact, Conflicting},
		{Int(math.MinInt64), Real(math.NaN()), Int(math.MinInt64), Conflicting},
		{Int(math.MaxInt64), Real(math.MaxInt64), Int(math.MaxInt64), Conflicting}, // 2^63 is cut to no int64
	} {
		if stays, verdict := test.stored.Meet(test.new); stays != test.stays || verdict != test.verdict {
			t.Errorf("%v meets %v: got %v, %v; want %v, %v", test.stored, test.new, stays, verdict, test.stays, test.verdict)
		}
	}
}
