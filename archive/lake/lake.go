package lake

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"heapstash/archive"
	"heapstash/schema"
)

// Lake is a directory of Parquet files. Several goroutines and processes may read it; a
// kernel lock lets one write at a time.
type Lake struct {
	dir  string
	mode fs.FileMode // of new files
}

// Open returns the lake in the directory. New files get the mode, whatever the umask, and
// new directories the same with the right to enter. It does no input or output.
func Open(dir string, mode fs.FileMode) *Lake { return &Lake{dir, mode} }

// create makes an empty file, or empties it.
func (l *Lake) create(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, l.mode)
	if err != nil {
		return nil, err
	}
	if err := file.Chmod(l.mode); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// DirectoryMode returns the mode of a directory of files with the mode.
func DirectoryMode(mode fs.FileMode) fs.FileMode { return mode | mode&0o444>>2 }

// Dir returns the directory.
func (l *Lake) Dir() string { return l.dir }

// errInUse is the error for a lake that another process is writing.
var errInUse = fmt.Errorf("another heapstash is writing to it: %w", archive.ErrLocked)

const (
	lockName   = ".lock"
	readmeName = "_README.md"
)

// draftOf returns the path under which a file is written.
func draftOf(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".draft")
}

// lock takes the lake's lock, which ends with the process at the latest.
func (l *Lake) lock() (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(l.dir, lockName), os.O_CREATE|os.O_RDWR, l.mode)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errInUse
		}
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// parts returns the parts of a partition in the order of their entities.
func (l *Lake) parts(p partition) (parts []part, err error) {
	entries, err := os.ReadDir(p.path(l.dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if _, ok := parsePart(entry.Name()); !ok {
			if strings.HasSuffix(entry.Name(), ".parquet") {
				return nil, partError{filepath.Join(p.path(l.dir), entry.Name()), errForeign}
			}
			continue
		}
		one, err := measurePart(filepath.Join(p.path(l.dir), entry.Name()), p)
		if err != nil {
			return nil, err
		}
		parts = append(parts, one)
	}
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(compareEntities(&a.first, &b.first), strings.Compare(a.file, b.file))
	})
	return parts, nil
}

// partitions returns the partitions that the function wants, by table and cluster, and
// then in the order of time. It ignores directories with names that heapstash does not
// give.
func (l *Lake) partitions(wanted func(partition) bool) (all []partition, err error) {
	if _, err := os.Stat(l.dir); err != nil {
		return nil, err
	}
	for _, t := range layoutOf().tables {
		clusters, err := subdirectories(filepath.Join(l.dir, "kind="+t.name), "cluster=")
		if err != nil {
			return nil, err
		}
		for _, escaped := range clusters {
			cluster, ok := unescape(escaped)
			if !ok {
				continue
			}
			days, err := subdirectories(filepath.Join(l.dir, "kind="+t.name, "cluster="+escaped), "day=")
			if err != nil {
				return nil, err
			}
			for _, text := range days {
				day, err := time.Parse(time.DateOnly, text)
				if err != nil {
					continue
				}
				if p := (partition{t, cluster, schema.InstantOf(day)}); wanted(p) {
					all = append(all, p)
				}
			}
		}
	}
	return all, nil
}

// subdirectories returns the names of directories without the prefix that all have.
func subdirectories(dir, prefix string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, entry := range entries {
		if name, ok := strings.CutPrefix(entry.Name(), prefix); ok && entry.IsDir() {
			names = append(names, name)
		}
	}
	return names, err
}

// makeDirectory makes the directory of a partition, and makes it survive a power cut.
func (l *Lake) makeDirectory(p partition) error {
	path := p.path(l.dir)
	for _, dir := range []string{filepath.Dir(filepath.Dir(path)), filepath.Dir(path), path} {
		err := os.Mkdir(dir, DirectoryMode(l.mode))
		if err == nil {
			err = os.Chmod(dir, DirectoryMode(l.mode))
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// syncDirectories makes the names of a partition's files survive a power cut.
func (l *Lake) syncDirectories(p partition) error {
	for path := p.path(l.dir); ; path = filepath.Dir(path) {
		if err := syncDirectory(path); err != nil || path == filepath.Clean(l.dir) {
			return err
		}
	}
}

func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
