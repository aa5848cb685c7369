package schema

import "testing"

func TestSize(t *testing.T) {
	for size, want := range map[Size]string{
		0: "0 B", 999: "999 B", 1000: "1 kB", 1234: "1.23 kB", 999_499: "999 kB", 999_500: "1 MB",
		83_400_000_000: "83.4 GB", 12_345_000_000_000: "12.35 TB",
	} {
		if got := size.String(); got != want {
			t.Errorf("%d: got %q, want %q", int64(size), got, want)
		}
	}
}
