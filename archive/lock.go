package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"heapstash/schema"
)

// lockPoll is how often a writer that waits looks at the lock again.
const lockPoll = 50 * time.Millisecond

// lock is the writers' kernel lock on a file beside the archive. The kernel
// lets go of it when its holder dies, however it dies, so it is never stale.
// The file itself stays: removing it would let two writers lock two files.
type lock struct{ file *os.File }

// takeLock waits up to wait for the lock; zero tries once. The error wraps
// [schema.ErrLocked] when another writer keeps it.
func takeLock(ctx context.Context, path string, wait time.Duration) (*lock, error) {
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, explain(path, err)
	}
	deadline := time.Now().Add(wait)
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return &lock{file}, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(explain(path, fmt.Errorf("lock: %w", err)), file.Close())
		}
		if !time.Now().Before(deadline) {
			return nil, errors.Join(&Error{
				Path: path,
				Err:  fmt.Errorf("%w by another heapstash", schema.ErrLocked),
				hint: "wait for it to finish, or let this one wait with --retry-lock 50s",
			}, file.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), file.Close())
		case <-time.After(lockPoll):
		}
	}
}

// release lets go of the lock, rather than only closing the file: a process
// that this one is just starting has the file open too, until it executes its
// program, and would hold the lock until then.
func (l *lock) release() error {
	return errors.Join(unix.Flock(int(l.file.Fd()), unix.LOCK_UN), l.file.Close())
}
