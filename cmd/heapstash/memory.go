package main

import (
	"os"
	"runtime/debug"
)

// tuneMemory trades a little time for memory, which is dearer: heapstash
// shares its host with others. What a large cluster needs beyond the limit it
// gets all the same. GOGC and GOMEMLIMIT take precedence.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(70)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(180 << 20)
	}
}
