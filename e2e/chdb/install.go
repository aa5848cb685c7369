package chdb

import (
	_ "embed"
	"testing"

	"heapstash/e2e/rig"
)

// requirements has the version and the hashes of the engine.
//
//go:embed requirements.txt
var requirements string

// python returns a Python that has the engine.
func python(tb testing.TB) string {
	tb.Helper()
	return rig.Python(tb, "chdb", requirements)
}
