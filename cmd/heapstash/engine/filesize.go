package engine

import "os"

// FileSize returns a file's size in bytes, 0 if it is not there.
func FileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
