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

// Output is stdout. It remembers the first error of writing to it, so
// that a command does not end with 0 where its output is cut. It may be used
// concurrently.
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

// Stream returns the output as a stream that still is a terminal if it is one.
func (o *Output) Stream() io.Writer {
	if f, ok := o.Writer.(*os.File); ok {
		return &checkedFile{o, f}
	}
	return o
}

// checkedFile is a checkedOutput to a file.
type checkedFile struct {
	*Output
	file *os.File
}

// Fd returns the number of the file, for what asks terminals.
func (f *checkedFile) Fd() uintptr { return f.file.Fd() }

func explainStdout(err error) error {
	if wrapped := errors.Unwrap(err); wrapped != nil {
		err = wrapped // the name /dev/stdout tells nothing
	}
	err = fmt.Errorf("write to stdout: %w", err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return schema.WithHint(err, "free some space, or write to another file system; what was written is not whole")
	}
	return err
}
