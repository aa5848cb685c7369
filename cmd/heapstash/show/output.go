package show

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"heapstash/schema"
)

// Output is stdout. It keeps the first error of a write, so that a command does not
// exit with 0 if its output was cut. It may be used concurrently.
type Output struct {
	io.Writer
	mu  sync.Mutex
	Err error // with a hint
}

func (o *Output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil {
		err = explainStdout(err)
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.Err == nil {
			o.Err = err
		}
	}
	return n, err
}

// Stream returns the output as a stream that is a terminal if stdout is one.
func (o *Output) Stream() io.Writer {
	if f, ok := o.Writer.(*os.File); ok {
		return &checkedFile{o, f}
	}
	return o
}

// checkedFile is an [Output] to a file.
type checkedFile struct {
	*Output
	file *os.File
}

// Fd returns the file descriptor, for calls to a terminal.
func (f *checkedFile) Fd() uintptr { return f.file.Fd() }

func explainStdout(err error) error {
	if wrapped := errors.Unwrap(err); wrapped != nil {
		err = wrapped // without the name /dev/stdout
	}
	err = fmt.Errorf("write to stdout: %w", err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return schema.WithHint(err, "free some space, or write to another file system; what was written is not whole")
	}
	return err
}
