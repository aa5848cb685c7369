package pages

import (
	"errors"
	"os"
	"slices"
	"sync"
)

// Descriptor is this process's descriptor of a database file. All users of the file
// share it, and so do connections of SQLite, which do not use it: the last one closes it.
//
// A process that closes any descriptor of a file loses its POSIX locks on that file, those
// of SQLite's connections included. Then another process may write where this one
// reads, or remove its log. (https://www.sqlite.org/howtocorrupt.html, 2.2.)
type Descriptor struct {
	*os.File
	info  os.FileInfo
	users int
	more  []*os.File // opened while another file got the path
}

var (
	descriptorsMutex sync.Mutex
	descriptors      []*Descriptor // of different files
)

// OpenDescriptor opens a database file. Several goroutines may use the descriptor.
func OpenDescriptor(path string) (*Descriptor, error) {
	descriptorsMutex.Lock()
	defer descriptorsMutex.Unlock()
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if d := descriptorOf(info); d != nil {
		d.users++
		return d, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err = file.Stat(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	d := descriptorOf(info)
	if d == nil {
		d = &Descriptor{File: file, info: info}
		descriptors = append(descriptors, d)
	} else {
		d.more = append(d.more, file)
	}
	d.users++
	return d, nil
}

func descriptorOf(info os.FileInfo) *Descriptor {
	i := slices.IndexFunc(descriptors, func(d *Descriptor) bool { return os.SameFile(d.info, info) })
	if i < 0 {
		return nil
	}
	return descriptors[i]
}

// Close ends one use of the descriptor.
func (d *Descriptor) Close() error {
	descriptorsMutex.Lock()
	defer descriptorsMutex.Unlock()
	if d.users--; d.users > 0 {
		return nil
	}
	descriptors = slices.DeleteFunc(descriptors, func(other *Descriptor) bool { return other == d })
	err := d.File.Close()
	for _, file := range d.more {
		err = errors.Join(err, file.Close())
	}
	return err
}
