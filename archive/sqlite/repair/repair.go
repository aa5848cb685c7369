// Package repair copies what can be read of a damaged archive to a new one, and
// corrects what violates an invariant of FORMAT.md. It never writes to the old
// file, does not search for tables that the schema has lost, and does not put the
// new file in the old one's place.
package repair

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/archive/sqlite/check"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/pages"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// Options of a repair.
type Options struct {
	conn.Options
	// Progress, if not nil, is called before each table.
	Progress func(step string, done, all int)
}

// Report is what a repair did.
type Report struct {
	Path   string        `json:"path"`
	File   string        `json:"-"` // the file that Path leads to; its log is beside it
	To     string        `json:"to"`
	Tables []TableRepair `json:"tables"`
	// Corrected is what was dropped or changed to make every invariant true.
	Corrected []Correction `json:"mended"`
	// Check is what a check of the new archive found.
	Check check.Report `json:"check"`
}

// TableRepair is how much of a table could be read.
type TableRepair struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"` // that were read
	// Pages and Damaged count what could not be read: whole pages, with an unknown
	// number of rows, and single rows.
	Pages   int64 `json:"damaged_pages"`
	Damaged int64 `json:"damaged_rows"`
}

// Correction is one kind of change, and how often it was made.
type Correction struct {
	Table string `json:"table"`
	What  string `json:"what"`
	Count int64  `json:"count"`
}

// Run copies everything that it can read of the archive at path to a new archive,
// and corrects what a check would find. There must be no file at the path to. The
// old archive is not changed, and its lock is held meanwhile. The new one appears
// after a check of it has found no fault.
func Run(ctx context.Context, path, to string, opts Options) (Report, error) {
	var err error
	if opts.Options, err = opts.Filled(); err != nil {
		return Report{}, err
	}
	exists, err := conn.Inspect(path)
	if err != nil {
		return Report{}, err
	}
	if err := dbfile.CheckLeftovers(path, dbfile.RealFile(path), len(opts.Steps)); err != nil {
		return Report{}, err
	}
	if !exists {
		return Report{}, &dbfile.Error{Path: path, Err: fmt.Errorf("%w at this path", archive.ErrNoArchive), Remedy: "name another file with --db-file"}
	}
	for _, beside := range []string{"", dbfile.WriteAheadLog, dbfile.RollbackJournal, dbfile.WriteAheadLogIndex} {
		if err := missing(to + beside); err != nil {
			return Report{}, &dbfile.Error{Path: to, Err: err, Remedy: "name a new file: a repair replaces none"}
		}
	}
	file, err := dbfile.Resolve(path)
	if err != nil {
		return Report{}, err
	}
	lock, err := dbfile.TakeLock(ctx, path, file, opts.LockWait, opts.CreateMode(), dbfile.DiskOf)
	if err != nil {
		return Report{}, err
	}
	r := &repairer{ctx: ctx, opts: opts, layout: tables.NewLayout(), report: Report{Path: path, File: file, To: to, Tables: []TableRepair{}, Corrected: []Correction{}}}
	err = r.repair()
	return r.report, errors.Join(err, lock.Release())
}

// repairer is one repair under way.
type repairer struct {
	ctx    context.Context
	opts   Options
	layout tables.Layout
	report Report

	old     *pages.File
	trees   []pages.Tree
	columns map[string]tableColumns
	db      *sql.DB // of the new archive
	tx      *sql.Tx
	insert  map[string]*sql.Stmt
	bulk    bulk

	entities map[int64]knownEntity
	metrics  map[int64]knownMetric
	moved    map[string]schema.Instant // by compaction
}

// repair writes the new archive under another name, and then gives it its own.
func (r *repairer) repair() error {
	path, to := r.report.Path, r.report.To
	var err error
	if r.old, err = pages.Open(r.report.File); err != nil {
		hint := ""
		if errors.Is(err, pages.ErrHotJournal) {
			hint = "copy it with its -journal file, let `sqlite3 COPY 'PRAGMA user_version'` take the transaction back, and repair the copy"
		}
		return &dbfile.Error{Path: path, Err: err, Remedy: hint}
	}
	defer r.old.Close() // read only
	info, err := os.Stat(path)
	if err != nil {
		return conn.WithRemedy(path, err)
	}
	draft, err := dbfile.NewDraft(to+dbfile.PartialSuffix, r.opts.CreateMode())
	if err != nil {
		return conn.WithRemedy(to, err)
	}
	for _, step := range []func() error{
		func() error { return r.make(draft.Path) },
		func() error { return r.verify(draft.Path) },
		func() error { return draft.File.Chmod(info.Mode().Perm()) },
		func() error { return missing(to) },
		func() error { return draft.Publish(to) },
	} {
		if err = step(); err != nil {
			break
		}
	}
	return errors.Join(conn.WithRemedy(to, err), draft.Close())
}

// missing is an error if there is anything at the path.
func missing(path string) error {
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return fmt.Errorf("%s is there already", path)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return err
	}
}

// make fills the draft.
func (r *repairer) make(draft string) error {
	version, err := r.old.Version()
	if err != nil {
		return err
	}
	if err := conn.Fill(r.ctx, draft, r.opts.Steps); err != nil {
		return err
	}
	db, err := conn.OpenDB(draft, "rw", url.Values{
		"_txlock":       {"immediate"},
		"_journal_mode": {"DELETE"},
		"_synchronous":  {"OFF"}, // it is synced when it is whole
		"_foreign_keys": {"0"},   // they hold after the corrections
	})
	if err != nil {
		return err
	}
	r.db = db
	err = conn.InTransaction(r.ctx, db, func(tx *sql.Tx) error {
		r.tx = tx
		r.insert = make(map[string]*sql.Stmt)
		return r.copyAll(version)
	})
	if err == nil {
		err = conn.Migrate(r.ctx, db, draft, r.opts.Steps) // the registry's metrics
	}
	return errors.Join(err, db.Close())
}

func (r *repairer) copyAll(version int) error {
	var damage pages.Damage
	var err error
	if r.trees, damage, err = r.old.Trees(); err != nil {
		return err
	}
	if damage != (pages.Damage{}) {
		r.report.Tables = append(r.report.Tables, TableRepair{"sqlite_schema", int64(len(r.trees)), damage.Pages, damage.Rows})
	}
	if r.columns, err = columnsOf(r.ctx, version); err != nil {
		return err
	}
	if !slices.ContainsFunc(r.trees, isTable("entity")) {
		return &dbfile.Error{Path: r.report.Path, Err: errors.New("its schema is damaged: the table entity is lost, and with it the names of all samples"),
			Remedy: "the sqlite3 shell of sqlite.org (not Debian's) may find more, and writes it as SQL: sqlite3 FILE .recover"}
	}
	r.noteStrangers()
	type step struct {
		name string
		do   func() error
	}
	steps := []step{{"metric", r.copyMetrics}, {"entity", r.copyEntities}}
	for _, name := range r.ledgerTables() {
		steps = append(steps, step{name, func() error { return r.copyTable(name) }})
	}
	steps = append(steps, step{"compaction", r.copyCompaction})
	rollups, tiers := r.layout.Rollups(), []tables.Tier{tables.Cold, tables.Hot} // a value in cold was the first
	for _, t := range r.layout.Tables {
		for _, tier := range tiers {
			steps = append(steps, step{t.Name + "_" + string(tier), func() error { return r.copyWide(t, rollups[t.Name], tier) }})
		}
	}
	for _, tier := range tiers {
		steps = append(steps, step{tables.NarrowName + "_" + string(tier), func() error { return r.copyNarrow(rollups[tables.NarrowName], tier) }})
	}
	steps = append(steps, step{"corrections", r.correctAll}, step{"counting", r.settleAccount})
	for i, s := range steps {
		if r.opts.Progress != nil {
			r.opts.Progress(s.name, i, len(steps))
		}
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	if r.opts.Progress != nil {
		r.opts.Progress("", len(steps), len(steps))
	}
	return nil
}

// noteStrangers reports the tables that are not heapstash's. They are not copied.
func (r *repairer) noteStrangers() {
	for _, t := range r.trees {
		_, known := r.columns[t.Name]
		if t.Kind == "table" && !known && !strings.HasPrefix(t.Name, "sqlite_") {
			r.corrected(t.Name, "the table is not heapstash's, and was not copied", 1)
		}
	}
}

func (r *repairer) corrected(table, what string, count int64) {
	if count == 0 {
		return
	}
	i := slices.IndexFunc(r.report.Corrected, func(c Correction) bool { return c.Table == table && c.What == what })
	if i < 0 {
		r.report.Corrected = append(r.report.Corrected, Correction{table, what, 0})
		i = len(r.report.Corrected) - 1
	}
	r.report.Corrected[i].Count += count
}

// verify checks the draft.
func (r *repairer) verify(draft string) error {
	reader, err := conn.OpenReader(r.ctx, draft)
	if err != nil {
		return err
	}
	r.report.Check, err = check.Run(r.ctx, reader, check.Options{Progress: r.opts.Progress})
	r.report.Check.Path = r.report.To
	if err := errors.Join(err, reader.Close()); err != nil {
		return err
	}
	if r.report.Check.Faults() > 0 {
		return fmt.Errorf("the repaired archive has faults itself, the first is %q: %s", r.report.Check.Findings[0].Name, r.report.Check.Findings[0].Meaning)
	}
	return nil
}
