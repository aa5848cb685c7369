package querytest

import "testing"

// Seeds make samples also where no pass is made at the end.
func TestGenerate(t *testing.T) {
	for seed := range uint64(12) {
		hours := Generate(seed, 1+int(seed)%3)
		if w := WorldOf(hours); len(hours) < 15 || len(w.Samples) < 10_000 {
			t.Errorf("seed %d: %d hours, %d samples", seed, len(hours), len(w.Samples))
		}
	}
}

// This seed's last pass is that of a full hour.
func TestGenerateWithoutRest(t *testing.T) { Generate(2, 3) }
