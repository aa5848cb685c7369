package torture

import (
	"maps"

	"golang.org/x/sys/unix"
)

// calls are the supervised system calls by their numbers on this architecture.
var calls = func() map[int]call {
	all := map[int]call{
		unix.SYS_PREAD64:   {name: "pread64", fd: 0},
		unix.SYS_PWRITE64:  {name: "pwrite64", fd: 0},
		unix.SYS_WRITE:     {name: "write", fd: 0},
		unix.SYS_MKDIRAT:   {name: "mkdirat", fd: -1, path: 1},
		unix.SYS_FDATASYNC: {name: "fdatasync", fd: 0},
		unix.SYS_FSYNC:     {name: "fsync", fd: 0},
		unix.SYS_FTRUNCATE: {name: "ftruncate", fd: 0},
		unix.SYS_FALLOCATE: {name: "fallocate", fd: 0},
		unix.SYS_FLOCK:     {name: "flock", fd: 0},
		unix.SYS_MMAP:      {name: "mmap", fd: 4},
		unix.SYS_FCHMOD:    {name: "fchmod", fd: 0},
		unix.SYS_OPENAT:    {name: "openat", fd: -1, path: 1},
		unix.SYS_UNLINKAT:  {name: "unlinkat", fd: -1, path: 1},
		unix.SYS_RENAMEAT:  {name: "renameat", fd: -1, path: 1},
		unix.SYS_RENAMEAT2: {name: "renameat2", fd: -1, path: 1},
		unix.SYS_LINKAT:    {name: "linkat", fd: -1, path: 1},
	}
	maps.Copy(all, oldCalls)
	return all
}()
