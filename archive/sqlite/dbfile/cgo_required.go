//go:build !cgo

package dbfile

// The archive needs SQLite, which is written in C. Without cgo, its driver still
// builds, as a stub that fails at run time. Therefore this file, which only a build
// without cgo includes, does not compile. No package below this one needs the
// driver, so the name here is the only error.
var _ = heapstash_needs_CGO_ENABLED_1_and_a_C_compiler
