package conn

import "heapstash/archive/sqlite/dbfile"

// Inspect reports whether the file is an archive that this heapstash can open. It
// does not change the file. A missing or empty file is neither an archive nor an
// error.
func Inspect(path string) (exists bool, err error) {
	steps, err := Migrations()
	if err != nil {
		return false, err
	}
	h, err := dbfile.ReadHeader(path, len(steps))
	return h.Exists, err
}
