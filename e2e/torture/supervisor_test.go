package torture

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// At each system call for a file, the kernel asks the supervisor whether to carry it
// out (seccomp_unotify(2)). Unlike strace, this counts the calls of all threads in one
// order, and needs no root.

// supervisedEnv is the environment variable of a process of this test program that
// installs a filter, sends its descriptor to the parent, and executes another program.
const supervisedEnv = "TORTURE_SUPERVISED"

// beSupervised does that if the variable is set, and then does not return.
func beSupervised() {
	if os.Getenv(supervisedEnv) == "" {
		return
	}
	err := os.Unsetenv(supervisedEnv)
	if err == nil {
		err = installFilter()
	}
	if err == nil {
		err = unix.Exec(os.Args[1], os.Args[1:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, "supervised:", err)
	os.Exit(125)
}

// toParent is the descriptor of the socket to the parent.
const toParent = 3

func installFilter() error {
	runtime.LockOSThread() // the filter belongs to the thread that executes the program
	unix.CloseOnExec(toParent)
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	program := filterProgram()
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	listener, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	return unix.Sendmsg(toParent, []byte{0}, unix.UnixRights(int(listener)), nil, 0)
}

// filterProgram notifies the supervisor of the calls, and allows all others.
func filterProgram() []unix.SockFilter {
	const (
		number = 0       // offsets in struct seccomp_data
		fifth  = 16 + 32 // of the low half of the fifth argument
	)
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	equal := func(value uint32, then, otherwise uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jt: then, Jf: otherwise}
	}
	answer := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	program := []unix.SockFilter{load(number)}
	for nr, call := range calls {
		if call.name == "mmap" { // of a file
			program = append(program, equal(uint32(nr), 0, 4), load(fifth), equal(^uint32(0), 0, 1),
				answer(unix.SECCOMP_RET_ALLOW), answer(unix.SECCOMP_RET_USER_NOTIF))
			continue
		}
		program = append(program, equal(uint32(nr), 0, 1), answer(unix.SECCOMP_RET_USER_NOTIF))
	}
	return append(program, answer(unix.SECCOMP_RET_ALLOW))
}

// call is a supervised system call, and how it names its file.
type call struct {
	name string
	fd   int // the argument that is the file's descriptor, or -1
	path int // the argument that is the path, if fd is -1
}

// asked is a call before it is made.
type asked struct {
	call string
	path string
}

// decision is what happens at a call: the zero decision carries it out. Otherwise it
// fails with errno, or the process is killed before it.
type decision struct {
	errno syscall.Errno
	kill  bool
}

// supervise lets decide decide about a command's calls for files below a directory.
// Call it before the command's Start. It returns a function that waits for the last
// call. One goroutine calls decide.
func supervise(cmd *exec.Cmd, dir string, decide func(asked) decision) (wait func() error, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	theirs := os.NewFile(uintptr(pair[1]), "filter")
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd.Args = append([]string{self}, cmd.Args...)
	cmd.Path = self
	// Go's signals for preemption would interrupt a call, which would be asked twice.
	cmd.Env = append(cmd.Env, supervisedEnv+"=1", "GODEBUG=asyncpreemptoff=1")
	cmd.ExtraFiles = []*os.File{theirs}
	var group sync.WaitGroup
	var failure error
	group.Go(func() {
		defer unix.Close(pair[0])
		listener, err := receiveDescriptor(pair[0])
		if err != nil {
			failure = err
			return
		}
		defer unix.Close(listener)
		failure = supervisor{listener, dir, decide}.serve()
	})
	return func() error {
		theirs.Close()
		group.Wait()
		return failure
	}, nil
}

func receiveDescriptor(socket int) (int, error) {
	timeout := unix.NsecToTimeval(int64(20 * time.Second))
	if err := unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return 0, err
	}
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(socket, make([]byte, 1), control, unix.MSG_CMSG_CLOEXEC)
	for errors.Is(err, unix.EINTR) {
		_, n, _, _, err = unix.Recvmsg(socket, make([]byte, 1), control, unix.MSG_CMSG_CLOEXEC)
	}
	if err != nil {
		return 0, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		return 0, fmt.Errorf("no filter came: %w", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return 0, err
	}
	return fds[0], nil
}

type supervisor struct {
	listener int
	dir      string
	decide   func(asked) decision
}

// notification is struct seccomp_notif.
type notification struct {
	id         uint64
	pid, flags uint32
	nr         int32
	arch       uint32
	ip         uint64
	args       [6]uint64
}

// response is struct seccomp_notif_resp.
type response struct {
	id    uint64
	val   int64
	errno int32
	flags uint32
}

const (
	receiveNotification = 0xc0502100 // SECCOMP_IOCTL_NOTIF_RECV
	sendResponse        = 0xc0182101 // SECCOMP_IOCTL_NOTIF_SEND
)

// serve answers until the process has ended.
func (s supervisor) serve() error {
	for {
		fds := []unix.PollFd{{Fd: int32(s.listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); errors.Is(err, unix.EINTR) {
			continue
		} else if err != nil {
			return err
		}
		if fds[0].Revents&unix.POLLIN == 0 {
			return nil
		}
		var n notification
		if err := s.ioctl(receiveNotification, unsafe.Pointer(&n)); errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINTR) {
			continue // it was killed meanwhile
		} else if err != nil {
			return err
		}
		r := response{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if path := n.file(); path == s.dir || strings.HasPrefix(path, s.dir+"/") {
			switch d := s.decide(asked{calls[int(n.nr)].name, path}); {
			case d.kill:
				if err := unix.Kill(int(n.pid), unix.SIGKILL); err != nil {
					return err
				}
				continue
			case d.errno != 0:
				r.flags, r.errno = 0, -int32(d.errno)
			}
		}
		if err := s.ioctl(sendResponse, unsafe.Pointer(&r)); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
}

func (s supervisor) ioctl(request uintptr, argument unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(s.listener), request, uintptr(argument)); errno != 0 {
		return errno
	}
	return nil
}

// file returns the path of the call's file; empty if it is unknown.
func (n notification) file() string {
	c := calls[int(n.nr)]
	if c.fd >= 0 {
		path, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", n.pid, int32(n.args[c.fd])))
		return strings.TrimSuffix(path, " (deleted)")
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", n.pid))
	if err != nil {
		return ""
	}
	defer memory.Close()
	text := make([]byte, 4096)
	length, _ := memory.ReadAt(text, int64(n.args[c.path])) // short at the end of a mapping
	if end := bytes.IndexByte(text[:length], 0); end >= 0 {
		return filepath.Clean(string(text[:end]))
	}
	return ""
}
