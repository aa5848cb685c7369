package conn

import "context"

const SelectUsedBytes = `SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size`

// UsedBytes is the size of the archive without its free pages, in bytes.
func UsedBytes(ctx context.Context, db Queryer) (bytes int64, err error) {
	err = db.QueryRowContext(ctx, SelectUsedBytes).Scan(&bytes)
	return bytes, err
}

const (
	SelectPages    = `PRAGMA page_count`
	SelectFirstDue = `SELECT min(ts) FROM rollup_due WHERE level = ?`

	// VacuumInto is used instead of SQLite's online backup. A backup in steps
	// starts again whenever another process writes. Passes write each minute, so
	// the backup of a large archive might never end. A backup in one step holds
	// the same read transaction as this, and also copies free pages. Passes go on
	// meanwhile; the -wal file grows by what they write, a few MB a minute. The
	// copy is packed, and has a rollback journal, so that it is one file that can
	// be read where nothing can be written.
	VacuumInto = `VACUUM INTO ?`

	SelectLastHorizon = `SELECT ifnull(max(horizon), 0) FROM cluster_state`
	SelectPageSize    = `PRAGMA page_size`
	SelectJournalMode = `PRAGMA journal_mode`
)
