package dbfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// How the names of drafts end: of a new archive, and of other files.
const (
	NewSuffix     = ".new"
	PartialSuffix = ".partial"
)

// ErrDraftInUse is the error for a draft that another process is writing.
var ErrDraftInUse = errors.New("another heapstash is writing it")

// Draft is a file that is being written under another name, so that there is a
// whole file under its own name, or none. A process that is killed leaves a
// draft, which the next one replaces.
type Draft struct {
	Path string // empty once it is published
	File *os.File
}

// NewDraft creates an empty draft with exactly this mode, whatever the umask. The
// caller makes sure that nobody else writes it.
func NewDraft(path string, mode fs.FileMode) (*Draft, error) {
	d := &Draft{Path: path}
	if err := d.remove(); err != nil {
		return nil, err
	}
	var err error
	if d.File, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, mode); err != nil {
		return nil, err
	}
	if err := d.File.Chmod(mode); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// ClaimDraft is [NewDraft] for a file that several processes may write at the same
// time. The kernel lock on the draft, not its existence, says that one does. The
// error wraps [ErrDraftInUse] in the others.
func ClaimDraft(path string, mode fs.FileMode) (*Draft, error) {
	d := &Draft{Path: path}
	for d.File == nil {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, mode)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			if errors.Is(err, unix.EWOULDBLOCK) {
				err = ErrDraftInUse
			}
			return nil, errors.Join(err, file.Close())
		}
		opened, err := file.Stat()
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		// Another process may have published the file between the two calls. Then
		// it is no draft any more.
		if named, err := os.Stat(path); err != nil || !os.SameFile(opened, named) {
			if err := file.Close(); err != nil {
				return nil, err
			}
			continue
		}
		d.File = file
	}
	if err := errors.Join(d.File.Truncate(0), d.File.Chmod(mode), d.removeBeside()); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Publish gives the draft its own name, once it is safe on the disk.
func (d *Draft) Publish(path string) error {
	if err := d.File.Sync(); err != nil {
		return err
	}
	if err := os.Rename(d.Path, path); err != nil {
		return err
	}
	d.Path = ""
	return syncDirectory(filepath.Dir(path))
}

// Close removes the draft if it was not published.
func (d *Draft) Close() (err error) {
	if d.Path != "" {
		err = d.remove()
	}
	return errors.Join(err, d.File.Close())
}

func (d *Draft) remove() error { return errors.Join(removeAny(d.Path), d.removeBeside()) }

// removeBeside removes what SQLite leaves beside a draft.
func (d *Draft) removeBeside() (err error) {
	for _, suffix := range []string{RollbackJournal, WriteAheadLog, WriteAheadLogIndex} {
		err = errors.Join(err, removeAny(d.Path+suffix))
	}
	return err
}

// removeAny removes the file if there is one.
func removeAny(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncDirectory makes a rename in the directory survive a power cut.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
