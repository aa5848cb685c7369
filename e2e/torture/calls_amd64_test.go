package torture

import "golang.org/x/sys/unix"

// oldCalls are calls that newer architectures do not have.
var oldCalls = map[int]call{
	unix.SYS_UNLINK: {name: "unlink", fd: -1, path: 0},
	unix.SYS_RENAME: {name: "rename", fd: -1, path: 0},
}
