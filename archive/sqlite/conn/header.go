package conn

import (
	"heapstash/archive/sqlite/dbfile"
)

// Inspect tells, without touching it, whether the file is an archive that this
// heapstash can open. No file, or an empty one, is no error and no archive.
func Inspect(path string) (exists bool, err error) {
	steps, err := Migrations()
	if err != nil {
		return false, err
	}
	h, err := dbfile.ReadHeader(path, len(steps))
	return h.Exists, err
}
