package dbfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"heapstash/archive"
)

// IsLocked reports whether another process holds the lock file.
func IsLocked(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false // there is none, or it cannot be read
	}
	defer file.Close() // releases the lock
	return errors.Is(unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// LockPoll is how often a writer that waits looks at the lock again.
const LockPoll = 50 * time.Millisecond

// Lock is the writers' kernel lock on a file beside the archive. The kernel
// releases it when its holder dies, so it is never stale. The file itself stays:
// if it were removed, two writers could lock two files. If it is removed while it
// is locked, its holder stops: see [Lock.Held].
type Lock struct {
	file *os.File
	Path string
	// sure is whether a file keeps its inode number. Some network file systems
	// change it.
	sure bool
}

// TakeLock waits for the lock. A new lock file gets the mode. The error wraps
// [archive.ErrLocked] if another writer still holds the lock after the wait.
//
// The lock file lies beside the archive's file, whatever path leads there. On a
// network file system the kernel turns the lock into a byte-range lock: on NFS
// since Linux 2.6.12, on SMB since 5.5; see flock(2).
func TakeLock(ctx context.Context, path, locked string, wait time.Duration, mode fs.FileMode, on Disk) (*Lock, error) {
	file, err := openLock(locked, mode)
	if err != nil {
		return nil, FileError(path, err)
	}
	sure := on.FileSystem(locked).WriteAhead()
	deadline := time.Now().Add(wait)
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			l := &Lock{file, LockOf(locked), sure}
			held, err := l.Held()
			if held {
				return l, nil
			}
			// It was removed between the two calls, or while its last holder had
			// it: others lock the file that is there now.
			if err := errors.Join(err, l.Release()); err != nil {
				return nil, FileError(path, err)
			}
			if file, err = openLock(locked, mode); err != nil {
				return nil, FileError(path, err)
			}
			continue
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(FileError(path, fmt.Errorf("lock: %w", err)), file.Close())
		}
		if !time.Now().Before(deadline) {
			return nil, errors.Join(&Error{
				Path:   path,
				Err:    fmt.Errorf("%w by another heapstash", archive.ErrLocked),
				Remedy: "wait for it to finish, or let this one wait with --retry-lock 50s",
			}, file.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), file.Close())
		case <-time.After(LockPoll):
		}
	}
}

// Held reports whether the locked file is still the one that others would lock.
func (l *Lock) Held() (bool, error) {
	locked, err := l.file.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Stat(l.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && (!l.sure || os.SameFile(locked, named)), err
}

// LockOf is the lock file of an archive's file.
func LockOf(file string) string { return file + LockSuffix }

// openLock opens the lock file. A new one gets the mode of the archive, so that a
// group that may write the archive may lock it too; without an archive, the mode
// of the one that will be created.
func openLock(locked string, mode fs.FileMode) (*os.File, error) {
	if info, err := os.Stat(locked); err == nil && info.Size() > 0 {
		mode = info.Mode().Perm()
	}
	for {
		file, err := os.OpenFile(LockOf(locked), os.O_RDWR, 0)
		if !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
		file, err = os.OpenFile(LockOf(locked), os.O_CREATE|os.O_EXCL|os.O_RDWR, mode)
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

// Release unlocks the file and then closes it. Closing alone is not enough: a child
// process that is being started has the file open until it executes its program,
// and would hold the lock until then.
func (l *Lock) Release() error {
	return FileError(l.Path, errors.Join(unix.Flock(int(l.file.Fd()), unix.LOCK_UN), l.file.Close()))
}
