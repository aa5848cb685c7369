package engine

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"heapstash/archive/sqlite/dbfile"
	"heapstash/schema"
)

// WriteWhole writes a file under another name, FILE.*.partial, and renames it when it
// is whole. Only a process that is killed leaves the other name behind. With force it
// replaces a file, but never a database or a file of the archive. It returns the size.
func WriteWhole(path, archivePath string, mode fs.FileMode, force bool, write func(io.Writer) error) (size int64, err error) {
	if err := checkReplaceable(path, archivePath, force); err != nil {
		return 0, err
	}
	draft, err := dbfile.NewDraft(path+"."+rand.Text()+dbfile.PartialSuffix, mode)
	if err != nil {
		return 0, schema.WithHint(fmt.Errorf("output: %w", err), "its directory must exist and be writable to this user")
	}
	defer func() { err = errors.Join(err, draft.Close()) }()
	if err := write(draft.File); err != nil {
		return 0, explainOutput(err)
	}
	info, err := draft.File.Stat()
	if err != nil {
		return 0, err
	}
	if err := checkReplaceable(path, archivePath, force); err != nil { // one may have been made meanwhile
		return 0, err
	}
	return info.Size(), explainOutput(draft.Publish(path))
}

func checkReplaceable(path, archivePath string, force bool) error {
	const another = "name another file with --output, or none for stdout"
	there, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return schema.WithHint(fmt.Errorf("output: %w", err), another)
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal", ".lock"} {
		if archivePath == "" {
			break // the archive is not a file
		}
		if own, err := os.Stat(archivePath + suffix); err == nil && os.SameFile(own, there) {
			return schema.WithHint(fmt.Errorf("output %s belongs to the archive itself", path), another)
		}
	}
	if !there.Mode().IsRegular() {
		return schema.WithHint(fmt.Errorf("output %s is not an ordinary file", path), another)
	}
	if isDatabase(path) {
		return schema.WithHint(fmt.Errorf("output %s is a database", path), another)
	}
	if !force {
		return schema.WithHint(fmt.Errorf("output %s is there already", path), "--force replaces it")
	}
	return nil
}

// isDatabase reports whether a file is an SQLite database.
func isDatabase(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close() // read only
	magic := []byte("SQLite format 3\x00")
	head := make([]byte, len(magic))
	_, err = io.ReadFull(file, head)
	return err == nil && bytes.Equal(head, magic)
}

func explainOutput(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return schema.WithHint(fmt.Errorf("output: %w", err), "free some space, name a file on another file system, or select less; the archive is as it was")
	}
	return err
}
