package archive

import "errors"

// The errors of an archive that commands distinguish.
var (
	// ErrNoArchive: there is no archive at that path.
	ErrNoArchive = errors.New("no archive")
	// ErrNotArchive: the file is not a heapstash archive.
	ErrNotArchive = errors.New("not a heapstash archive")
	// ErrOtherArchive: another archive has replaced the open one.
	ErrOtherArchive = errors.New("another archive")
	// ErrNewerArchive: a newer heapstash made the archive.
	ErrNewerArchive = errors.New("archive of a newer heapstash")
	// ErrLocked: another writer holds the archive's lock.
	ErrLocked = errors.New("archive is locked")
	// ErrLake: the lake could not take raw rows, so none were pruned.
	ErrLake = errors.New("raw rows stay in the archive")
	// ErrNoSpace: writing would leave less free space than the settings demand.
	ErrNoSpace = errors.New("too little free space")
)
