package lake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"heapstash/schema"
)

// errForeign is the error for a file in a partition that only looks like a part.
var errForeign = errors.New("another program wrote this file")

// explain adds a hint to an error of writing.
func (l *Lake) explain(err error) error {
	return l.withHint(err, "the directory of archive.lake must exist and be writable to this user")
}

// explainRead adds a hint to an error of reading.
func (l *Lake) explainRead(err error) error {
	hint := "the disk of archive.lake does not answer as it should: see the log of the kernel"
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR):
		hint = "archive.lake must be the directory of the lake: is it mounted?"
	case errors.Is(err, fs.ErrPermission):
		hint = "this user must have the right to read the directory of archive.lake and all that is in it"
	}
	return l.withHint(err, hint)
}

// withHint adds the hint to an error, unless there is a better one.
func (l *Lake) withHint(err error, hint string) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	switch {
	case errors.Is(err, errInUse):
		hint = "it goes on when the other one is done"
	case errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG):
		hint = "free some space on the disk of archive.lake"
	case errors.Is(err, unix.ENAMETOOLONG):
		hint = "a name in the path is too long for the file system: cluster_name is part of it, with % and two digits for most signs"
	case errors.Is(err, errForeign):
		hint = "heapstash reads its own files only: move this one elsewhere"
	case errors.As(err, new(missingDay)):
		hint = "is this the right directory, and is it mounted? else restore the day from a backup of the lake; hours and days of the archive need no lake"
	case errors.As(err, new(partError)):
		hint = "restore this file from a backup"
	}
	return schema.WithHint(fmt.Errorf("lake %s: %w", l.dir, err), hint)
}
