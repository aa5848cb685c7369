package dbfile

import (
	"errors"
	"fmt"
	"path/filepath"

	"heapstash/archive"
	"heapstash/schema"
)

// FreeSpace returns the bytes that this user may still fill on the file system
// where the file lies, or would be made. A quota may allow less. The error is
// [errors.ErrUnsupported] where that cannot be told.
func FreeSpace(path string) (int64, error) {
	// The file itself where there is one: it may be a link to elsewhere.
	_, free, err := DiskOf(path)
	if err != nil {
		_, free, err = DiskOf(filepath.Dir(path))
	}
	return free, err
}

// CheckSpace refuses to go on where less than least bytes would be left on the
// file's file system after so many more are taken. Zero for least is no check.
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
