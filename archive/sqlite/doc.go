// Package archive keeps samples in one SQLite file.
//
// FORMAT.md beside this file is the on-disk contract. In short: one row is
// (entity, time) with a column per metric; each kind has a hot table, which a
// pass appends to, and a cold one in entity order, which [Store.Compact] moves
// closed hours to; readers see views only.
//
// A [Store] writes and a [Reader] reads. Any number of readers, in any process,
// work beside one writer, which a kernel lock on a file beside the archive
// keeps single. Neither type is safe for concurrent use by several goroutines
// unless a method says so.
package sqlite
