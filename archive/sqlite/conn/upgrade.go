package conn

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"heapstash/archive/sqlite/dbfile"
	"heapstash/schema"
)

// Migration is the progress of an archive's migration.
type Migration struct {
	Path     string
	From, To int // versions of the format
	// Written is about how many bytes were written for it so far, and Most how
	// many it may write.
	Written, Most int64
	Took          time.Duration
	Done          bool
}

// migrationSlack is how many bytes a migration may write besides rows: for views,
// the schema, and the first pages of a log or a journal.
const migrationSlack = 16 << 20

// reportEvery is the time between two reports of a migration.
const reportEvery = 5 * time.Second

// upgrade migrates an existing archive if it is older. It checks the free space
// first, and reports its progress.
func (s *Writer) upgrade(ctx context.Context) error {
	opts := s.Options
	version, err := FileVersion(ctx, s.DB, s.Path, len(opts.Steps))
	if err != nil {
		return err
	}
	if version == len(opts.Steps) || version == 0 {
		return Migrate(ctx, s.DB, s.Path, opts.Steps)
	}
	before, err := dbfile.SizeOf(s.file)
	if err != nil {
		return err
	}
	m := Migration{Path: s.Path, From: version, To: len(opts.Steps), Most: migrationSlack}
	for _, step := range opts.Steps[version:] {
		m.Most += int64(step.Room * float64(before))
	}
	if err := s.checkRoom(m, opts.Disk); err != nil {
		return err
	}
	if opts.Migrating == nil {
		return Migrate(ctx, s.DB, s.Path, opts.Steps)
	}
	opts.Migrating(m)
	begun := time.Now()
	stop := s.watch(opts.ReportEvery, func() {
		if size, err := dbfile.SizeOf(s.file); err == nil {
			m.Written = max(size-before, 0)
		}
		m.Took = time.Since(begun)
		opts.Migrating(m)
	})
	err = Migrate(ctx, s.DB, s.Path, opts.Steps)
	stop()
	if err != nil {
		return err
	}
	m.Took, m.Done = time.Since(begun), true
	opts.Migrating(m)
	return nil
}

func (s *Writer) checkRoom(m Migration, d dbfile.Disk) error {
	directory := filepath.Dir(s.file)
	_, free, err := d(directory)
	if err != nil || free >= m.Most {
		return nil // if the free space is not known, SQLite fails when it ends
	}
	return &dbfile.Error{
		Path: s.Path,
		Err: fmt.Errorf("its migration from format %d to %d needs %d bytes (%v) of free space in %s, which has %d (%v)",
			m.From, m.To, m.Most, schema.Size(m.Most), directory, free, schema.Size(free)),
		Remedy: "make room there, or move the archive to a larger disk; nothing was changed, and the heapstash that wrote it still can",
	}
}

// watch calls look at each interval, until stop is called.
func (s *Writer) watch(every time.Duration, look func()) (stop func()) {
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				look()
			}
		}
	})
	return func() {
		close(done)
		watching.Wait()
	}
}
