package dbfile

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// DiskOf returns the file system of a directory, and its free space for this user
// in bytes.
func DiskOf(directory string) (FileSystem, int64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(directory, &stat); err != nil {
		return FileSystem{}, 0, err
	}
	// The numbers' types differ from one architecture to the next.
	return FileSystemOf(uint32(stat.Type)), int64(stat.Bavail) * int64(stat.Bsize), nil
}

// OnReadOnlyMedium reports whether the file cannot change because the whole file
// system is read-only. A read-only mount is not enough: another container may
// write to the same file system.
func OnReadOnlyMedium(file string) bool {
	var stat unix.Stat_t
	if err := unix.Stat(file, &stat); err != nil {
		return false
	}
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return false
	}
	defer mounts.Close() // read only
	device := fmt.Sprintf("%d:%d", unix.Major(uint64(stat.Dev)), unix.Minor(uint64(stat.Dev)))
	for lines := bufio.NewScanner(mounts); lines.Scan(); {
		// Fields, some of them optional, a dash, the file system's type, its
		// source, its own options. (proc(5))
		mount, system, _ := strings.Cut(lines.Text(), " - ")
		fields, own := strings.Fields(mount), strings.Fields(system)
		if len(fields) < 3 || len(own) == 0 || fields[2] != device {
			continue
		}
		for option := range strings.SplitSeq(own[len(own)-1], ",") {
			if option == "ro" {
				return true
			}
		}
		return false
	}
	return false
}
