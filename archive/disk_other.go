//go:build !linux

package archive

import "errors"

// diskOf knows Linux only.
func diskOf(string) (FileSystem, int64, error) {
	return FileSystem{}, 0, errors.ErrUnsupported
}

// onReadOnlyMedium knows Linux only.
func onReadOnlyMedium(string) bool { return false }
