// Package engine is the commands' one way to an archive: it opens archives for
// passes and for readers, and does to an archive's file what only SQLite's engine
// does. No other package of the commands imports an engine.
package engine
