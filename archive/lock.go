package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"heapstash/schema"
)

// lockPoll is how often a writer that waits looks at the lock again.
const lockPoll = 50 * time.Millisecond

// lock is the writers' kernel lock on a file beside the archive. The kernel
// lets go of it when its holder dies, however it dies, so it is never stale.
// The file itself stays: removing it would let two writers lock two files. One
// that is removed while it is locked ends its holder's work: see held.
type lock struct {
	file *os.File
	path string
	// sure is whether the file system gives one file one number, as not all
	// of those do that are of several machines.
	sure bool
}

// takeLock waits for the lock. A file that is made has the mode. The error wraps
// [schema.ErrLocked] when another writer keeps it.
//
// It lies beside the archive's file, whatever path leads there. The kernel
// makes byte-range locks of it where the file is on another machine: on NFS
// since Linux 2.6.12, on SMB since 5.5; see flock(2).
func takeLock(ctx context.Context, path, archive string, wait time.Duration, mode fs.FileMode, on disk) (*lock, error) {
	file, err := openLock(archive, mode)
	if err != nil {
		return nil, explain(path, err)
	}
	sure := on.fileSystem(archive).WriteAhead()
	deadline := time.Now().Add(wait)
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			l := &lock{file, lockOf(archive), sure}
			held, err := l.held()
			if held {
				return l, nil
			}
			// It was removed between the two calls, or while its last holder had
			// it: others lock the one that is there now.
			if err := errors.Join(err, l.release()); err != nil {
				return nil, explain(path, err)
			}
			if file, err = openLock(archive, mode); err != nil {
				return nil, explain(path, err)
			}
			continue
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

// held reports whether the file that is locked is the one that others would
// lock.
func (l *lock) held() (bool, error) {
	locked, err := l.file.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Stat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && (!l.sure || os.SameFile(locked, named)), err
}

// locked returns an error when the archive's lock is not this store's any
// more: then another heapstash may write, and what this one knows of the
// archive be wrong. (Where the archive is gone itself, unmoved says so.)
func (s *Writer) locked() error {
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	held, err := s.lock.held()
	if held || err != nil {
		return explain(s.path, err)
	}
	return &Error{
		Path: s.path,
		Err:  fmt.Errorf("its lock, %s, was removed while this heapstash held it: another one may be writing", s.lock.path),
		hint: "what was stored is safe, and the next pass makes another lock; remove it only when no heapstash runs",
	}
}

// lockOf is the lock file of an archive's file.
func lockOf(archive string) string { return archive + lockSuffix }

// openLock opens the lock's file. One that is made has the archive's mode, lest
// a group that may write the archive could not lock it, or that of an archive
// to be made.
func openLock(archive string, mode fs.FileMode) (*os.File, error) {
	if info, err := os.Stat(archive); err == nil && info.Size() > 0 {
		mode = info.Mode().Perm()
	}
	for {
		file, err := os.OpenFile(lockOf(archive), os.O_RDWR, 0)
		if !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
		file, err = os.OpenFile(lockOf(archive), os.O_CREATE|os.O_EXCL|os.O_RDWR, mode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := file.Chmod(mode); err != nil { // whatever the umask
			return nil, errors.Join(err, file.Close())
		}
		return file, nil
	}
}

// release lets go of the lock, rather than only closing the file: a process
// that this one is just starting has the file open too, until it executes its
// program, and would hold the lock until then.
func (l *lock) release() error {
	return explain(l.path, errors.Join(unix.Flock(int(l.file.Fd()), unix.LOCK_UN), l.file.Close()))
}
