package archive

import (
	"errors"

	"heapstash/schema"
)

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
	// ErrNoSpace: writing would leave less free space than the settings demand.
	ErrNoSpace = errors.New("too little free space")
)

// CauseOf returns the cause of a hole for an error of Heapster's client.
func CauseOf(err error) Cause {
	switch {
	case errors.Is(err, schema.ErrRefused):
		return CauseRefused
	case errors.Is(err, schema.ErrNotFound):
		return CauseNotFound
	case errors.Is(err, schema.ErrUnaddressable):
		return CauseUnaddressable
	case errors.Is(err, schema.ErrBudget):
		return CauseBudget
	case errors.Is(err, schema.ErrExportDisabled):
		return CauseExport
	case errors.Is(err, schema.ErrUnreachable):
		return CauseUnreachable
	default:
		return CauseProtocol
	}
}
