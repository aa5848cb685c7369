// Package strict makes SQLite read double quotes as SQL does: around names only.
// Import it for this effect:
//
//	import _ "heapstash/archive/sqlite/strict"
//
// By default, SQLite reads an unknown name in double quotes as a string: then
// avg("cpu_usge_rate") is 0.0. With this package it is an error, in every
// connection that the process opens, by any driver.
// (https://www.sqlite.org/quirks.html#dblquote)
package strict
