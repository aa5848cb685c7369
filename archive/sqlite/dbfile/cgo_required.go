//go:build !cgo

package dbfile

// The archive is SQLite, which is compiled from C. Without cgo its driver
// builds all the same, as a stub that fails at run time; so this file, which
// only a build without cgo sees, does not compile.
var _ = heapstash_needs_CGO_ENABLED_1_and_a_C_compiler
