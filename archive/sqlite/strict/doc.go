// Package strict has SQLite read double quotes as SQL does: around names only.
// Import it for that effect:
//
//	import _ "heapstash/archive/sqlite/strict"
//
// SQLite's default takes a name in double quotes that it does not know for a
// string: avg("cpu_usge_rate") is then 0.0 and no error. With this package it is
// an error, in every connection that the process opens after its start, by
// whatever driver. (https://www.sqlite.org/quirks.html#dblquote)
package strict
