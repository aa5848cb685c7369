package check

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/tables"
)

// Finding is one thing that is wrong with an archive, or worth a note.
type Finding struct {
	// Name is the invariant's, as in FORMAT.md.
	Name    string `json:"name"`
	Table   string `json:"table,omitempty"` // where it is one table's
	Meaning string `json:"meaning"`
	Count   int64  `json:"count"` // how often it is violated
	// Examples are the first few, for people.
	Examples []string `json:"examples"`
	// Note marks what is no fault.
	Note bool `json:"note,omitempty"`
}

// Report is what a check found.
type Report struct {
	Path     string    `json:"path"`
	Version  int       `json:"version"` // of the schema
	Rows     int64     `json:"rows"`    // of samples, that were looked at
	Seconds  float64   `json:"seconds"`
	Findings []Finding `json:"findings"`
}

// Faults counts the findings that are not mere notes.
func (r Report) Faults() int {
	n := 0
	for _, f := range r.Findings {
		if !f.Note {
			n++
		}
	}
	return n
}

// Options set how an archive is checked.
type Options struct {
	// Quick does not compare indexes with their tables.
	Quick bool
	// Progress, if not nil, is called before each step.
	Progress func(step string, done, all int)
}

// maxExamples is how many violations of one invariant are spelt out.
const maxExamples = 3

// Run looks at the file's pages, its schema, and every invariant of
// FORMAT.md, on one state of the archive: passes may go on meanwhile, though
// the -wal file cannot shrink until the check ends. It takes constant memory
// and reads every page a few times.
//
// What is wrong is in the report. The error is of a file that cannot be read
// at all, or ctx's.
func Run(ctx context.Context, r *conn.Reader, opts Options) (Report, error) {
	began := time.Now()
	c := &checker{report: Report{Path: r.Path, Findings: []Finding{}}, layout: tables.NewLayout()}
	file, err := dbfile.Resolve(r.Path)
	if err != nil {
		return Report{}, err
	}
	locked := dbfile.IsLocked(dbfile.LockOf(file))
	tx, err := r.Db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return Report{}, conn.Explain(r.Path, err)
	}
	defer tx.Rollback() // read only
	c.ctx, c.tx = ctx, tx
	if err := tx.QueryRowContext(ctx, conn.SelectVersion).Scan(&c.report.Version); err != nil {
		return Report{}, conn.Explain(r.Path, err)
	}
	c.locked = locked || dbfile.IsLocked(dbfile.LockOf(file))

	steps := c.steps(opts.Quick)
	for i, s := range steps {
		if opts.Progress != nil {
			opts.Progress(s.Name, i, len(steps))
		}
		err := s.Do()
		if ctx.Err() != nil {
			return Report{}, ctx.Err()
		}
		if err != nil {
			c.unreadable(s.Name, err)
		}
	}
	if opts.Progress != nil {
		opts.Progress("", len(steps), len(steps))
	}
	c.report.Seconds = time.Since(began).Seconds()
	return c.report, nil
}

// checker is one check under way.
type checker struct {
	ctx    context.Context
	tx     *sql.Tx
	layout tables.Layout
	locked bool
	report Report

	samples   int64 // that the scans have counted
	unscanned bool  // not all of them ended
}

type checkStep struct {
	Name string
	Do   func() error
}

func (c *checker) steps(quick bool) []checkStep {
	pages := "PRAGMA integrity_check"
	if quick {
		pages = "PRAGMA quick_check"
	}
	steps := []checkStep{
		{"pages", func() error { return c.pages(pages) }},
		{"foreign keys", c.foreignKeys},
		{"schema", c.drift},
		{"views", c.views},
	}
	for _, i := range invariants {
		steps = append(steps, checkStep{i.name, func() error { return c.hold(i) }})
	}
	for _, scan := range c.scans() {
		steps = append(steps, checkStep{scan.Table, func() error { return c.scan(scan) }})
	}
	return append(steps, checkStep{"samples-lost", c.balance}, checkStep{"running", c.running})
}

// scans are those of every table of samples and of their rollups.
func (c *checker) scans() (all []tableScan) {
	rollups := c.layout.Rollups()
	add := func(table string, checks func(tables.Tier) tableScan) {
		inCold, r := checks(tables.Cold), rollups[table]
		inCold.Checks = append(inCold.Checks, missing(r, archive.Hourly))
		all = append(all, checks(tables.Hot), inCold)
		for _, level := range []archive.Level{archive.Hourly, archive.Daily} {
			scan, _ := Checks(r, level)
			all = append(all, scan)
		}
	}
	for _, t := range c.layout.Tables {
		add(t.Name, func(in tables.Tier) tableScan { return rowChecks(t, in) })
	}
	add(tables.NarrowName, func(in tables.Tier) tableScan { return narrowChecks(c.layout, in) })
	return all
}

// unreadable notes a step that SQLite could not finish. What several steps
// meet is one finding.
func (c *checker) unreadable(step string, err error) {
	what := step + ": " + err.Error()
	for i := range c.report.Findings {
		if f := &c.report.Findings[i]; f.Name == "unreadable" {
			f.Count++
			if len(f.Examples) < maxExamples {
				f.Examples = append(f.Examples, what)
			}
			return
		}
	}
	meaning := "a part of the file could not be read, and so not be checked"
	if lite, ok := errors.AsType[sqlite3.Error](err); ok && lite.Code == sqlite3.ErrCorrupt {
		meaning = "pages of the file are damaged: what they held cannot be read, nor be checked"
	}
	c.find(Finding{Name: "unreadable", Meaning: meaning, Count: 1, Examples: []string{what}})
}

func (c *checker) find(f Finding) {
	if f.Count > 0 {
		c.report.Findings = append(c.report.Findings, f)
	}
}

// lines runs a query whose every row is a violation, and spells out the first.
func (c *checker) lines(f Finding, query string, args ...any) error {
	f.Examples = []string{}
	err := conn.Each(c.ctx, c.tx, func(rows *sql.Rows) error {
		var line sql.NullString
		if err := rows.Scan(&line); err != nil {
			return err
		}
		f.Count++
		if len(f.Examples) < maxExamples {
			f.Examples = append(f.Examples, line.String)
		}
		return nil
	}, query, args...)
	c.find(f)
	return err
}

func (c *checker) hold(i invariant) error {
	return c.lines(Finding{Name: i.name, Meaning: i.meaning, Note: i.note}, i.query)
}

// pages lets SQLite look at every page. It says a single ok, or what is wrong.
func (c *checker) pages(pragma string) error {
	f := Finding{Name: "pages", Meaning: "SQLite finds the structure of the file's pages damaged", Examples: []string{}}
	err := conn.Each(c.ctx, c.tx, func(rows *sql.Rows) error {
		var line string
		if err := rows.Scan(&line); err != nil || line == "ok" {
			return err
		}
		for line := range strings.Lines(line) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "***") {
				continue // the name of the file's part, before its faults
			}
			f.Count++
			if len(f.Examples) < maxExamples {
				f.Examples = append(f.Examples, line)
			}
		}
		return nil
	}, pragma)
	c.find(f)
	return err
}

func (c *checker) foreignKeys() error {
	f := Finding{Name: "foreign-keys", Meaning: "a row refers to one that is not there", Examples: []string{}}
	err := conn.Each(c.ctx, c.tx, func(rows *sql.Rows) error {
		var table, parent string
		var rowid sql.NullInt64
		var key int
		if err := rows.Scan(&table, &rowid, &parent, &key); err != nil {
			return err
		}
		f.Count++
		if len(f.Examples) < maxExamples {
			f.Examples = append(f.Examples, fmt.Sprintf("%s refers to a missing %s", table, parent))
		}
		return nil
	}, "PRAGMA foreign_key_check")
	c.find(f)
	return err
}

// views asks every view for its columns.
func (c *checker) views() error {
	names, err := conn.Column[string](c.ctx, c.tx, conn.SelectViews)
	if err != nil {
		return err
	}
	f := Finding{Name: "views", Meaning: "a view cannot be asked", Examples: []string{}}
	for _, name := range names {
		err := conn.Each(c.ctx, c.tx, func(*sql.Rows) error { return nil }, "SELECT * FROM "+tables.QuoteName(name)+" LIMIT 0")
		if err == nil {
			continue
		}
		f.Count++
		if len(f.Examples) < maxExamples {
			f.Examples = append(f.Examples, fmt.Sprintf("%s: %v", name, err))
		}
	}
	c.find(f)
	return nil
}

const selectRunning = `SELECT 'pass ' || id || ' of ' || cluster FROM pass WHERE outcome = 'running'`

// running notes a pass that died: the next one will mark it.
func (c *checker) running() error {
	if c.locked {
		return nil
	}
	return c.lines(Finding{Name: "passes-running", Note: true,
		Meaning: "a pass was killed, and no other came yet: the next one marks it as abandoned, and continues"}, selectRunning)
}
