// Package sqlite keeps an archive in one SQLite file. FORMAT.md is the contract of
// the file.
//
// A row is (entity, time) with a column per metric. Each kind has a hot table, to which
// passes append, and a cold one in entity order, to which [Store.Upkeep] moves closed
// hours. Readers use views only.
//
// A [Store] writes, a [Reader] reads. Any number of readers, in any process, work beside
// one writer; a kernel lock on a file beside the archive allows only one.
package sqlite
