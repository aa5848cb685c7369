package rig

import (
	"bytes"
	"errors"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"heapstash/internal/need"
)

// Outcome is how a command ended.
type Outcome struct {
	Code           int // -1: a signal killed it
	Stdout, Stderr string
	Took           time.Duration
	Usage          *syscall.Rusage
}

// longest is the time that Run gives a command.
const longest = 5 * time.Minute

// Run runs a command to its end, and kills it after five minutes.
func Run(tb testing.TB, cmd *exec.Cmd) Outcome {
	tb.Helper()
	return RunUntil(tb, cmd, longest)
}

// RunUntil runs a command, and kills it when the time is over.
func RunUntil(tb testing.TB, cmd *exec.Cmd, limit time.Duration) Outcome {
	tb.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	if err := need.Start(cmd); err != nil {
		tb.Fatal(err)
	}
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		if _, exited := errors.AsType[*exec.ExitError](err); !exited {
			tb.Fatal(err)
		}
	}
	return Outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(began), cmd.ProcessState.SysUsage().(*syscall.Rusage)}
}

// Want ends the test unless the command ended with that exit code.
func (o Outcome) Want(tb testing.TB, code int) Outcome {
	tb.Helper()
	if o.Code != code {
		tb.Fatalf("exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", o.Code, code, o.Stdout, o.Stderr)
	}
	return o
}
