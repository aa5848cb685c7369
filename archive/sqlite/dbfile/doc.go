// Package dbfile is the archive as a file: where a path leads, what the header
// says, which files lie beside it, the writers' lock, the file system and its free
// space, and drafts that become whole files. It runs no SQL and opens no database.
package dbfile
