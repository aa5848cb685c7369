// Package check finds what is wrong with an archive. It has the rules of FORMAT.md, each
// with what a repair does about a violation. It only reads.
package check

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"

	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/tables"
)

// Finding is a violated invariant of an archive, or a note.
type Finding struct {
	// Name is the invariant's name in FORMAT.md.
	Name    string `json:"name"`
	Table   string `json:"table,omitempty"` // empty if the finding is not about one table
	Meaning string `json:"meaning"`
	Count   int64  `json:"count"` // number of violations
	// Examples are the first violations, for people.
	Examples []string `json:"examples"`
	// Note marks a finding that is not a fault.
	Note bool `json:"note,omitempty"`
}

// Report is the result of a check.
type Report struct {
	Path     string    `json:"path"`
	Version  int       `json:"version"` // of the schema
	Rows     int64     `json:"rows"`    // of samples, checked
	Seconds  float64   `json:"seconds"`
	Findings []Finding `json:"findings"`
}

// Faults counts the findings that are not notes.
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

// maxExamples is the number of examples in a finding.
const maxExamples = 3

// add counts a violation.
func (f *Finding) add(example string) {
	if f.Count++; len(f.Examples) < maxExamples {
		f.Examples = append(f.Examples, example)
	}
}

// Run checks the file's pages, its schema and every invariant of FORMAT.md on one
// state of the archive. Passes may run meanwhile, but the -wal file does not shrink
// until the check ends. Run takes constant memory and reads every page a few times.
//
// The report has the faults. An error means that the file cannot be read at all, or
// that ctx is done.
func Run(ctx context.Context, r *conn.Reader, opts Options) (Report, error) {
	began := time.Now()
	c := &checker{report: Report{Path: r.Path, Findings: []Finding{}}, layout: tables.NewLayout()}
	file, err := dbfile.Resolve(r.Path)
	if err != nil {
		return Report{}, err
	}
	locked := dbfile.IsLocked(dbfile.LockOf(file))
	tx, err := r.DB.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return Report{}, conn.WithRemedy(r.Path, err)
	}
	defer tx.Rollback() // read only
	c.ctx, c.tx = ctx, tx
	if err := tx.QueryRowContext(ctx, conn.SelectVersion).Scan(&c.report.Version); err != nil {
		return Report{}, conn.WithRemedy(r.Path, err)
	}
	c.locked = locked || dbfile.IsLocked(dbfile.LockOf(file))

	steps := c.steps(opts.Quick)
	for i, s := range steps {
		if opts.Progress != nil {
			opts.Progress(s.name, i, len(steps))
		}
		err := s.do()
		if ctx.Err() != nil {
			return Report{}, ctx.Err()
		}
		if err != nil {
			c.unreadable(s.name, err)
		}
	}
	if opts.Progress != nil {
		opts.Progress("", len(steps), len(steps))
	}
	c.report.Seconds = time.Since(began).Seconds()
	return c.report, nil
}

// checker is a running check.
type checker struct {
	ctx    context.Context
	tx     *sql.Tx
	layout tables.Layout
	locked bool
	report Report

	samples   int64 // number that the scans counted
	uncounted bool  // a scan failed
}

type checkStep struct {
	name string
	do   func() error
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
	for _, m := range meanings {
		steps = append(steps, checkStep{m.name, func() error { return c.rules(m) }})
	}
	for _, scan := range c.scans() {
		steps = append(steps, checkStep{scan.table, func() error { return c.scan(scan) }})
	}
	return append(steps, checkStep{"samples-lost", c.balance}, checkStep{"running", c.running})
}

// scans returns a scan of every table of samples and of rollups.
func (c *checker) scans() (all []tableScan) {
	rollups := c.layout.Rollups()
	for _, pair := range c.layout.Pairs() {
		r := rollups[pair.Name]
		all = append(all, scanOf(c.layout, r, tables.Hot), scanOf(c.layout, r, tables.Cold))
		for _, level := range rolled {
			all = append(all, rollupScan(r, level))
		}
	}
	return all
}

// unreadable records a step that SQLite could not finish. All such steps are one
// finding.
func (c *checker) unreadable(step string, err error) {
	example := step + ": " + err.Error()
	for i := range c.report.Findings {
		if f := &c.report.Findings[i]; f.Name == "unreadable" {
			f.add(example)
			return
		}
	}
	f := Finding{Name: "unreadable", Meaning: "a part of the file could not be read: it was not checked"}
	if lite, ok := errors.AsType[sqlite3.Error](err); ok && lite.Code == sqlite3.ErrCorrupt {
		f.Meaning = "pages of the file are damaged: their rows cannot be read or checked"
	}
	f.add(example)
	c.find(f)
}

// find adds a finding to the report, if it has violations.
func (c *checker) find(f Finding) {
	if f.Count > 0 {
		c.report.Findings = append(c.report.Findings, f)
	}
}

// violations runs a query that returns a line of text for each violation.
func (c *checker) violations(f Finding, query string) error {
	f.Examples = []string{}
	err := conn.Each(c.ctx, c.tx, func(rows *sql.Rows) error {
		var line sql.NullString
		if err := rows.Scan(&line); err != nil {
			return err
		}
		f.add(line.String)
		return nil
	}, query)
	c.find(f)
	return err
}

// rules checks the rules of one name.
func (c *checker) rules(m meaning) error {
	var queries []string
	for _, r := range rules() {
		if r.name == m.name {
			queries = append(queries, "SELECT "+r.line+" FROM "+r.table+" WHERE "+r.violation)
		}
	}
	return c.violations(Finding{Name: m.name, Meaning: m.text}, strings.Join(queries, " UNION ALL "))
}

// pages runs the pragma, which checks every page. It returns ok, or faults.
func (c *checker) pages(pragma string) error {
	f := Finding{Name: "pages", Meaning: "SQLite finds the structure of the file's pages damaged", Examples: []string{}}
	err := conn.Each(c.ctx, c.tx, func(rows *sql.Rows) error {
		var line string
		if err := rows.Scan(&line); err != nil || line == "ok" {
			return err
		}
		for line := range strings.Lines(line) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "***") {
				continue // a heading
			}
			f.add(line)
		}
		return nil
	}, pragma)
	c.find(f)
	return err
}

const selectForeignKeys = `SELECT "table" || ' refers to a missing ' || parent FROM pragma_foreign_key_check`

func (c *checker) foreignKeys() error {
	return c.violations(Finding{Name: "foreign-keys", Meaning: "a row refers to a row that does not exist"}, selectForeignKeys)
}

// views compiles a query of every view.
func (c *checker) views() error {
	names, err := conn.Column[string](c.ctx, c.tx, conn.SelectViews)
	if err != nil {
		return err
	}
	f := Finding{Name: "views", Meaning: "a view cannot be queried"}
	for _, name := range names {
		err := conn.Each(c.ctx, c.tx, func(*sql.Rows) error { return nil }, "SELECT * FROM "+tables.QuoteName(name)+" LIMIT 0")
		if err != nil {
			f.add(fmt.Sprintf("%s: %v", name, err))
		}
	}
	c.find(f)
	return nil
}

const selectRunning = `SELECT 'pass ' || id || ' of ' || cluster FROM pass WHERE outcome = 'running'`

// running notes a killed pass. The next pass marks it.
func (c *checker) running() error {
	if c.locked {
		return nil
	}
	return c.violations(Finding{Name: "passes-running", Note: true,
		Meaning: "a pass was killed: the next pass marks it as abandoned, and continues"}, selectRunning)
}

// balance compares the account with the scans' count of samples, if all scans ended.
func (c *checker) balance() error {
	if c.uncounted {
		return nil
	}
	a, err := conn.ReadAccount(c.ctx, c.tx)
	if err != nil {
		return err
	}
	c.find(Finding{Name: "samples-lost", Count: a.Lost(c.samples),
		Meaning:  "passes stored more samples than exist: some were lost, and not by pruning",
		Examples: []string{fmt.Sprintf("%d stored, %d of them deleted; %d exist", a.Stored, a.Deleted, c.samples)}})
	return nil
}
