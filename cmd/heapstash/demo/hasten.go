package demo

import (
	"os"
	"runtime/debug"
)

// hasten uses more memory and less time, for a command that runs for seconds.
func hasten() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}
