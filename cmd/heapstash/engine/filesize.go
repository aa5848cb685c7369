package engine

import "os"

// FileSize is the file's size in bytes, 0 without one.
func FileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
