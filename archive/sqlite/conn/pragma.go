package conn

import (
	"context"
)

const SelectUsedBytes = `SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size`

// UsedBytes is how many bytes of the archive are in use: without its free pages.
func UsedBytes(ctx context.Context, db Queryer) (bytes int64, err error) {
	err = db.QueryRowContext(ctx, SelectUsedBytes).Scan(&bytes)
	return bytes, err
}

const (
	SelectPages    = `PRAGMA page_count`
	SelectFirstDue = `SELECT min(ts) FROM rollup_due WHERE level = ?`
)

const (
	// VacuumInto rather than SQLite's online backup. A backup in steps begins
	// anew whenever another process writes, which passes do each minute, so
	// that of a large archive it might never end; in a single step, it holds
	// the same read transaction as this, and copies free pages and the file's
	// mode besides. The transaction keeps nobody from writing; until it ends
	// the -wal file only grows, by what passes write meanwhile: a few MB a
	// minute. The copy is packed, and has a rollback journal instead of a -wal
	// file, so that it is one file and can be read where nothing can be written.
	VacuumInto = `VACUUM INTO ?`

	SelectLastHorizon = `SELECT ifnull(max(horizon), 0) FROM cluster_state`
	SelectPageSize    = `PRAGMA page_size`
	SelectJournalMode = `PRAGMA journal_mode`
)
