package engine

import (
	"io/fs"
	"log/slog"
	"time"

	"heapstash/archive/lake"
	"heapstash/cmd/heapstash/config"
	"heapstash/schema"
)

// FileOptionsOf returns the options of an SQLite archive that the settings give.
func FileOptionsOf(c config.Config) FileOptions {
	opts := FileOptions{
		LockWait: c.RetryLock,
		MinFree:  int64(c.Archive.MinFree),
		MaxSize:  int64(c.Archive.MaxSize),
		Mode:     fs.FileMode(c.Archive.Mode),

		Retention: c.Archive.Retention.ByKind(),
	}
	if l := LakeOf(c); l != nil {
		opts.Lake = l
	}
	return opts
}

// LakeOf returns the lake of the settings, nil for none.
func LakeOf(c config.Config) *lake.Lake {
	if c.Archive.Lake == "" {
		return nil
	}
	return lake.Open(c.Archive.Lake, fs.FileMode(c.Archive.Mode))
}

// LogMigration returns a function that logs the progress of a migration.
func LogMigration(log *slog.Logger) func(Migration) {
	return func(m Migration) {
		message := "the archive is being migrated"
		switch {
		case m.Done:
			message = "the archive is migrated"
		case m.Took == 0:
			message = "the archive is of an older heapstash and is migrated, whole or not at all"
		}
		log.Info(message, "archive", m.Path, "from", m.From, "to", m.To,
			"written", schema.Size(m.Written), "at_most", schema.Size(m.Most), "took", m.Took.Round(time.Second))
	}
}
