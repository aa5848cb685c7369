package show

import (
	"math"
	"slices"
	"strings"
	"testing"

	"heapstash/schema"
)

func TestColumnHasOneUnitAndItsDecimals(t *testing.T) {
	for _, test := range []struct {
		name   string
		unit   schema.Unit
		values []any
		header string
		want   []string
	}{
		{"small beside large", schema.Millicores, []any{363.8, int64(1511)}, "avg (cores)", []string{"0.364", "1.511"}},
		{"much smaller", schema.Bytes, []any{int64(5 << 30), float64(700 << 10), nil}, "avg (Gi)", []string{"5.00000", "0.00067", ""}},
		{"too small", schema.Bytes, []any{int64(3 << 40), int64(1), int64(0), int64(-1)}, "avg (Ti)", []string{"3.000000", "<0.000001", "0.000000", ">-0.000001"}},
		{"whole", schema.Bytes, []any{int64(12), int64(7)}, "avg (B)", []string{"12", "7"}},
		{"whole of another unit", schema.Bytes, []any{int64(2 << 30), int64(3 << 30)}, "avg (Gi)", []string{"2", "3"}},
		{"large", schema.PerSecond, []any{123456.7, 1000.2}, "avg (/s)", []string{"123457", "1000"}},
		{"shares", schema.Ratio, []any{0.2551, 1.0}, "avg (%)", []string{"25.5", "100.0"}},
		{"of no unit", "", []any{1.5, 20.25}, "avg", []string{"1.50", "20.25"}},
		{"infinite", "", []any{math.Inf(1), 1.5}, "avg", []string{"+Inf", "1.500"}},
		{"nothing", schema.Bytes, []any{nil}, "avg (B)", []string{""}},
	} {
		c := NewColumn("avg", Fitting(test.unit, test.values), test.values)
		var got []string
		for _, v := range test.values {
			got = append(got, c.Cell(v))
		}
		if c.Header() != test.header || !slices.Equal(got, test.want) {
			t.Errorf("%s: %s, %q, want %s, %q", test.name, c.Header(), got, test.header, test.want)
		}
	}
}

func TestExactColumnAlignsPoints(t *testing.T) {
	values := []any{502.56944444444446, int64(1 << 62), 4.2051604309333334e+09, 2.0, nil}
	want := []string{
		"502.56944444444446",
		"4611686018427387904               ",
		"4205160430.9333334       ",
		"2               ",
		"",
	}
	c := NewExactColumn("sum", Raw(schema.Bytes), values)
	for i, v := range values {
		if got := c.Cell(v); strings.TrimSpace(got) != strings.TrimSpace(want[i]) || got != "" && len(got)-strings.IndexAny(got+" ", ". ") != 15 {
			t.Errorf("%v: %q, want %q", v, got, want[i])
		}
	}
	if c.Header() != "sum (bytes)" {
		t.Error(c.Header())
	}
}
