package demo

import (
	"os"
	"runtime/debug"
)

// hasten is the other way round, for a command that works for seconds on a
// machine of its own.
func hasten() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}
