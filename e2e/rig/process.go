package rig

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"heapstash/internal/need"
)

// process is a server. It ends at the latest with this process, even if this process
// is killed.
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
	if err := need.Start(command); err != nil {
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

// errEarly is the error of a server that ended before stop.
var errEarly = errors.New("before it was stopped")

// stop sends the signal, waits for the end, and kills the server after 20 s. A server
// that a signal ends is not an error.
func (p *process) stop(signal syscall.Signal) error {
	select {
	case <-p.exited:
		return fmt.Errorf("%s had ended: %w", p.name, errors.Join(errEarly, p.err))
	default:
	}
	// Some servers end with their standard input, before the signal reaches them.
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

// CPUTime returns the user and system time of a process, to a hundredth of a second.
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

// statOf returns the fields of /proc/PID/stat from the state on. The error wraps
// os.ErrNotExist if there is no such process.
func statOf(pid int) ([]string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, syscall.ESRCH) { // it ended meanwhile
		err = fmt.Errorf("process %d: %w", pid, os.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	// The name, in parentheses, may contain spaces and parentheses.
	text := string(stat)
	fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	if len(fields) < 40 {
		return nil, fmt.Errorf("/proc/%d/stat: %s", pid, stat)
	}
	return fields, nil
}
