//go:build !linux

package dbfile

import "errors"

// DiskOf knows Linux only.
func DiskOf(string) (FileSystem, int64, error) {
	return FileSystem{}, 0, errors.ErrUnsupported
}

// OnReadOnlyMedium knows Linux only.
func OnReadOnlyMedium(string) bool { return false }
