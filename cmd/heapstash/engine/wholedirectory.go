package engine

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"heapstash/archive/lake"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/schema"
)

// WriteDirectory makes a directory under another name, DIR.*.partial, and renames it when
// write has filled it. Nothing may be at the path but an empty directory. Only a process
// that is killed leaves the other name behind. The mode is of files in it. It returns the
// size of all files.
func WriteDirectory(path string, mode fs.FileMode, write func(dir string) error) (size int64, err error) {
	path = filepath.Clean(path)
	if entries, err := os.ReadDir(path); err == nil && len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = errors.New("it is not empty")
		}
		return 0, schema.WithHint(fmt.Errorf("output %s: %w", path, err), "name a new directory with --output")
	}
	draft := path + "." + rand.Text() + dbfile.PartialSuffix
	if err := os.Mkdir(draft, lake.DirectoryMode(mode)); err != nil {
		return 0, schema.WithHint(fmt.Errorf("output: %w", err), "its parent directory must exist and be writable to this user")
	}
	defer func() {
		if err != nil {
			err = errors.Join(explainOutput(err), os.RemoveAll(draft))
		}
	}()
	if err := write(draft); err != nil {
		return 0, err
	}
	err = filepath.WalkDir(draft, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return size, os.Rename(draft, path)
}
