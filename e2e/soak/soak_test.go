package main

import (
	"path/filepath"
	"testing"
)

// TestDay soaks for one day.
func TestDay(t *testing.T) {
	s, err := newSoak(options{length: 1, pods: 10, seed: 1, path: filepath.Join(t.TempDir(), "soak.db")})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.run(t.Context(), t.Output()); err != nil {
		t.Fatal(err)
	}
}
