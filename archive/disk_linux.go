package archive

import "golang.org/x/sys/unix"

// diskOf returns the directory's file system, and the bytes on it that this
// user may still fill.
func diskOf(directory string) (FileSystem, int64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(directory, &stat); err != nil {
		return FileSystem{}, 0, err
	}
	// The numbers' types differ from one architecture to the next.
	return fileSystemOf(uint32(stat.Type)), int64(stat.Bavail) * int64(stat.Bsize), nil
}
