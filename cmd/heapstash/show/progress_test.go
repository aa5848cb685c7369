package show

import (
	"bytes"
	"testing"

	"heapstash/schema"
)

func TestProgress(t *testing.T) {
	p := &Progress{from: 1_000_000, to: 1_600_000}
	for at, want := range map[schema.Instant]string{
		1_000_000: "  [........................................]   0 %  1970-01-12 13:46",
		1_300_000: "  [####################....................]  50 %  1970-01-16 01:06",
		1_600_000: "  [########################################] 100 %  1970-01-19 12:26",
	} {
		if got := p.line(at); got != want || len(got) > 79 {
			t.Errorf("%q\nwant %q", got, want)
		}
	}
	// Elsewhere than on a terminal nothing is written.
	var out bytes.Buffer
	bar := NewProgress(&out, 1, 2)
	bar.At(2)
	bar.End()
	if out.Len() > 0 {
		t.Errorf("it wrote %q", &out)
	}
}
