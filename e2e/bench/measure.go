//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// measureRole makes this program run a command and report what it took:
// measure REPORT COMMAND ARGUMENT...
//
// It is a separate process: Linux counts a parent's memory at the start into the
// maximum of a child, and the main process has whole batches in memory.
const measureRole = "measure"

// result is the cost of a process, and its output.
type result struct {
	traffic `json:"-"`
	Samples int64 `json:"-"` // new ones

	Wall    time.Duration
	CPU     time.Duration // user and system
	RSS     int64         // maximum, in bytes
	Written int64         // by write calls to files and sockets, in bytes
}

func (r result) wall() time.Duration { return r.Wall.Round(time.Millisecond) }

// run runs a command under measure.
func run(ctx context.Context, command []string) (result, error) {
	report, err := os.CreateTemp("", "heapstash-bench-report")
	if err != nil {
		return result{}, err
	}
	defer os.Remove(report.Name())
	defer report.Close()
	self, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	var stdout, stderr bytes.Buffer
	measured := exec.CommandContext(ctx, self, append([]string{measureRole, report.Name()}, command...)...)
	measured.Stdout, measured.Stderr = &stdout, &stderr
	if err := measured.Run(); err != nil {
		return result{}, fmt.Errorf("%s: %w\n%s", command[0], err, &stderr)
	}
	var r result
	if err := json.NewDecoder(report).Decode(&r); err != nil {
		return r, err
	}
	var said struct {
		traffic
		New int64 `json:"samples_new"`
	}
	err = json.Unmarshal(stdout.Bytes(), &said)
	r.traffic, r.Samples = said.traffic, said.New
	return r, err
}

// runSelf runs this program in another role, under measure.
func runSelf(ctx context.Context, arguments ...string) (result, error) {
	self, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	return run(ctx, append([]string{self}, arguments...))
}

// measure runs the command and writes a result to the file.
func measure(ctx context.Context, file string, command []string) error {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	began := time.Now()
	if err := c.Start(); err != nil {
		return err
	}
	// Once it is waited for, its counters are gone.
	ended := awaitEnd(c.Process.Pid)
	r := result{Wall: time.Since(began)}
	written, err := bytesWritten(c.Process.Pid)
	if err := errors.Join(c.Wait(), ended, err); err != nil {
		return err
	}
	r.CPU = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	r.RSS = c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	r.Written = written
	report, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(file, report, 0o600)
}

func awaitEnd(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// bytesWritten returns the bytes of a process's write calls.
func bytesWritten(pid int) (int64, error) {
	io, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		return 0, err
	}
	var n int64
	for line := range strings.Lines(string(io)) {
		if _, err := fmt.Sscanf(line, "wchar: %d", &n); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("no wchar in %s", io)
}
