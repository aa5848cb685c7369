// Package repair copies what can be read of a damaged archive to a new one, and
// corrects what violates an invariant of FORMAT.md. It never writes to the old
// file, does not search for tables that the schema has lost, and does not put the
// new file in the old one's place.
package repair
