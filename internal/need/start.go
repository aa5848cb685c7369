package need

import (
	"os/exec"
	"runtime"
	"sync"
)

// Start starts a command, which may have a Pdeathsig. Linux sends that signal when the
// thread that started the process ends, and Go may end any thread that is not locked:
// all commands are started on one that is.
func Start(command *exec.Cmd) error {
	result := make(chan error)
	parentThread() <- func() { result <- command.Start() }
	return <-result
}

// parentThread returns a channel of functions that run on one thread.
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
