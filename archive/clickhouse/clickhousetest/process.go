package clickhousetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"heapstash/internal/need"
)

// Process is a server's process, which may be ended and started again. It ends at the
// latest with this process, even if this process is killed.
type Process struct {
	dir       string   // of its log
	arguments []string // the program first
	ready     func() error

	command *exec.Cmd
	began   int           // the log's size at the start
	exited  chan struct{} // closed at its end
}

// Start starts the process, and waits until it answers.
func (p *Process) Start(tb testing.TB) {
	tb.Helper()
	p.launch(tb)
	p.Await(tb)
}

// launch starts the process. Its output goes to the file log.
func (p *Process) launch(tb testing.TB) {
	tb.Helper()
	log, err := os.OpenFile(p.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		tb.Fatal(err)
	}
	defer log.Close() // the process has its own
	info, err := log.Stat()
	if err != nil {
		tb.Fatal(err)
	}
	command := exec.Command(p.arguments[0], p.arguments[1:]...)
	command.Dir, command.Stdout, command.Stderr = p.dir, log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := need.Start(command); err != nil {
		tb.Fatal(err)
	}
	exited := make(chan struct{})
	p.command, p.began, p.exited = command, int(info.Size()), exited
	go func() {
		_ = command.Wait()
		close(exited)
	}()
}

func (p *Process) log() string { return filepath.Join(p.dir, "log") }

// Log returns the process's output since it was started last.
func (p *Process) Log() string {
	log, err := os.ReadFile(p.log())
	if err != nil {
		return err.Error()
	}
	return string(log[min(p.began, len(log)):])
}

// Await waits until the process answers. The test ends if the process does, or if a
// minute passes.
func (p *Process) Await(tb testing.TB) { tb.Helper(); p.await(tb, p.ready) }

// await waits until ready returns nil.
func (p *Process) await(tb testing.TB, ready func() error) {
	tb.Helper()
	fail := func(err error) {
		tb.Helper()
		p.Kill()
		tb.Fatalf("%s: %v\n%s", filepath.Base(p.arguments[0]), err, p.Log())
	}
	for deadline := time.Now().Add(time.Minute); ; {
		err := ready()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			fail(err)
		}
		select {
		case <-p.exited:
			fail(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// PID returns the number of the running process.
func (p *Process) PID() int { return p.command.Process.Pid }

// Kill kills the process (SIGKILL), and waits for its end.
func (p *Process) Kill() { p.end(syscall.SIGKILL) }

// Stop asks the process to end (SIGTERM), and waits for its end.
func (p *Process) Stop() { p.end(syscall.SIGTERM) }

func (p *Process) end(by syscall.Signal) {
	if p.command != nil {
		_ = p.command.Process.Signal(by)
		<-p.exited
	}
}

// Pause stops the process without ending it: it answers nothing, and its connections
// stay. Resume continues it.
func (p *Process) Pause(tb testing.TB) { tb.Helper(); p.signal(tb, syscall.SIGSTOP) }

// Resume continues a paused process.
func (p *Process) Resume(tb testing.TB) { tb.Helper(); p.signal(tb, syscall.SIGCONT) }

func (p *Process) signal(tb testing.TB, s syscall.Signal) {
	tb.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		tb.Fatal(err)
	}
}
