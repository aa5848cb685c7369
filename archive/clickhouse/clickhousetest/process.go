package clickhousetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is a server's process. It ends at the latest with this process, even if this
// process is killed.
type process struct {
	command *exec.Cmd
	log     string // its output
	exited  chan struct{}
}

// start starts a program whose output goes to the file log in dir.
func start(dir string, command *exec.Cmd) (*process, error) {
	p := &process{command: command, log: filepath.Join(dir, "log"), exited: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	command.Dir, command.Stdout, command.Stderr = dir, log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	result := make(chan error)
	parentThread() <- func() { result <- command.Start() }
	if err := <-result; err != nil {
		return nil, err
	}
	go func() {
		_ = command.Wait()
		close(p.exited)
	}()
	return p, nil
}

// kill kills the process and waits for its end.
func (p *process) kill() {
	_ = p.command.Process.Kill()
	<-p.exited
}

// await calls ready until it returns nil. It returns the last error if the process ends
// or a minute passes.
func (p *process) await(ready func() error) error {
	for deadline := time.Now().Add(time.Minute); ; {
		err := ready()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-p.exited:
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// parentThread returns a channel of functions that run on one thread. Linux sends a
// Pdeathsig when the thread that started the process ends, and Go may end any thread
// that is not locked.
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
