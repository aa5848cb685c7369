package main

import (
	"io/fs"

	"heapstash/cmd/heapstash/engine"
)

// archiveOptions are what the settings say of the archive's file.
func optionsOf(c Config) engine.Options {
	return engine.Options{
		LockWait: c.RetryLock,
		MinFree:  int64(c.Archive.MinFree),
		MaxSize:  int64(c.Archive.MaxSize),
		Mode:     fs.FileMode(c.Archive.Mode),

		Retention: c.Archive.Retention.retention(),
	}
}
