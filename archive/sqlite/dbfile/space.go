package dbfile

import (
	"errors"
	"fmt"
	"path/filepath"

	"heapstash/archive"
	"heapstash/schema"
)

// FreeSpace returns the free space for this user, in bytes, on the file system of
// the file, which need not exist yet. A quota may allow less. The error is
// [errors.ErrUnsupported] where the system does not say.
func FreeSpace(path string) (int64, error) {
	// The file itself where there is one: it may be a link to elsewhere.
	_, free, err := DiskOf(path)
	if err != nil {
		_, free, err = DiskOf(filepath.Dir(path))
	}
	return free, err
}

// CheckSpace returns an error if fewer than least bytes would stay free on the
// file's file system after more bytes are written. Zero for least skips the check.
func CheckSpace(path string, least, more int64) error {
	if least <= 0 {
		return nil
	}
	free, err := FreeSpace(path)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return FileError(path, err)
	}
	if free-more >= least {
		return nil
	}
	need := ""
	if more > 0 {
		need = fmt.Sprintf(", %v are needed", schema.Size(more))
	}
	return &Error{
		Path:   path,
		Err:    fmt.Errorf("%w: %v are free on its file system%s, and archive.min_free keeps %v", archive.ErrNoSpace, schema.Size(free), need, schema.Size(least)),
		Remedy: "make room there, or have less kept (archive.retention, heapstash prune); what was stored before is safe",
	}
}
