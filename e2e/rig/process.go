package rig

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a server that ends with this process at the latest, even if this
// one is killed.
type process struct {
	name    string
	command *exec.Cmd
	stdin   io.Closer
	exited  chan struct{}
	err     error // of Wait, once exited is closed
}

// start starts a server. Its standard input stays open until it is stopped.
func start(command *exec.Cmd) (*process, error) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	running.Lock()
	defer running.Unlock()
	if err := Start(command); err != nil {
		return nil, err
	}
	p := &process{name: filepath.Base(command.Path), command: command, stdin: stdin, exited: make(chan struct{})}
	if running.all == nil {
		running.all = make(map[*process]bool)
	}
	running.all[p] = true
	go func() {
		p.err = command.Wait()
		close(p.exited)
	}()
	return p, nil
}

// Start starts a command that may ask to die with this process.
func Start(command *exec.Cmd) error { return onParentThread(command.Start) }

// errEarly is what stop says of a server that nobody had asked to end.
var errEarly = errors.New("nobody had asked it to")

// stop asks the server to end by the signal, waits for it, and kills it if it
// takes too long. That it ends by a signal is no error.
func (p *process) stop(signal syscall.Signal) error {
	select {
	case <-p.exited:
		return fmt.Errorf("%s had ended: %w", p.name, errors.Join(errEarly, p.err))
	default:
	}
	// Some end with their standard input, before the signal reaches them.
	p.stdin.Close()
	if err := p.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		_ = p.command.Process.Kill()
		<-p.exited
		return fmt.Errorf("%s did not end by itself", p.name)
	}
	running.Lock()
	defer running.Unlock()
	delete(running.all, p)
	return nil
}

// onParentThread calls f on the one thread that starts processes. Linux sends
// the signal of a parent's death when the thread that was the parent ends, and
// Go ends threads as it likes, unless one is locked.
func onParentThread(f func() error) error {
	result := make(chan error)
	parentThread() <- func() { result <- f() }
	return <-result
}

var parentThread = sync.OnceValue(func() chan<- func() {
	calls := make(chan func())
	go func() {
		runtime.LockOSThread()
		for call := range calls {
			call()
		}
	}()
	return calls
})

// CPUTime is what a process has used of the processor, user and system time
// together, to a hundredth of a second.
func CPUTime(pid int) (time.Duration, error) {
	fields, err := statOf(pid)
	if err != nil {
		return 0, err
	}
	const utime, stime = 11, 12 // from the state on
	var ticks int64
	for _, field := range []string{fields[utime], fields[stime]} {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100), nil // USER_HZ, which is 100
}

// statOf is what /proc/PID/stat has, from the process's state on. It wraps
// os.ErrNotExist if there is no such process.
func statOf(pid int) ([]string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, syscall.ESRCH) { // it ended meanwhile
		err = fmt.Errorf("process %d: %w", pid, os.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	// The name, in parentheses, may hold anything.
	text := string(stat)
	fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	if len(fields) < 40 {
		return nil, fmt.Errorf("/proc/%d/stat: %s", pid, stat)
	}
	return fields, nil
}
