package engine

import (
	"io/fs"

	"heapstash/cmd/heapstash/config"
)

// OptionsOf returns the options that the settings give.
func OptionsOf(c config.Config) Options {
	return Options{
		LockWait: c.RetryLock,
		MinFree:  int64(c.Archive.MinFree),
		MaxSize:  int64(c.Archive.MaxSize),
		Mode:     fs.FileMode(c.Archive.Mode),

		Retention: c.Archive.Retention.ByKind(),
	}
}
