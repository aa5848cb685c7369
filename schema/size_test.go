package schema_test

import (
	"testing"

	"heapstash/schema"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]schema.Size{
		"0B": 0, "1B": 1, "500kB": 500e3, "500KB": 500e3, "1.5 GB": 1.5e9, "64MiB": 64 << 20, "2TiB": 2 << 40, "16 MB": 16e6,
	} {
		if got, err := schema.ParseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "B", "16", "16M", "16 iB", "16iB", "-1MB", "1  MB", "nanB", "infB", "0x1MB", "1e30TB", "1_0B", "16 MB "} {
		if got, err := schema.ParseSize(text); err == nil {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
	// The spelling of a size is a size.
	for _, size := range []schema.Size{0, 1, 999, 64e3, 16e6, 250e6, 1e12} {
		if got, err := schema.ParseSize(size.String()); err != nil || got != size {
			t.Errorf("%v: %d, %v", size, got, err)
		}
	}
}
