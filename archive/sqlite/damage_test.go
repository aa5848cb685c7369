package sqlite_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/check"
	"heapstash/archive/sqlite/repair"
)

// original is what an archive had before it was damaged.
type original struct {
	samples string
	tables  []string
	rows    map[string]map[string]bool // by table, as the stock shell shows them
}

func originalOf(t *testing.T, path string) original {
	t.Helper()
	tables := append(tablesOf(t, path), "entity")
	return original{samplesOf(t, path), tables, stockReads(t, path, tables)}
}

// isHarmed holds that a check finds the damage, or nothing is affected.
func (o original) isHarmed(t *testing.T, path string) bool {
	t.Helper()
	if r, err := sqlite.OpenReader(t.Context(), path); err == nil {
		report, err := r.Check(t.Context(), check.Options{})
		r.Close()
		if err == nil && report.Faults() == 0 {
			if samplesOf(t, path) != o.samples {
				t.Error("check finds nothing, and samples have changed")
			}
			return false
		}
	}
	return true
}

// isRepaired holds that a repair has every row that the stock shell can still
// read, and none that was not there.
func (o original) isRepaired(t *testing.T, path string) {
	t.Helper()
	to, done := repaired(t, path)
	missing := lost(t, o.samples, samplesOf(t, to))
	if missing > 0 && len(done.Corrected) == 0 && !slices.ContainsFunc(done.Tables, func(r repair.TableRepair) bool { return r.Pages+r.Damaged > 0 }) {
		t.Errorf("%d samples are lost, and nothing is said of it", missing)
	}
	stocks, ours := stockReads(t, path, o.tables), stockReads(t, to, o.tables)
	has := make(map[string]bool)
	for row := range ours["entity"] {
		id, _, _ := strings.Cut(row, "|")
		has[id] = true
	}
	for _, table := range o.tables {
		_, entity := keyOf(table)
		for row := range stocks[table] {
			if o.rows[table][row] && !ours[table][row] && (has[strings.Split(row, "|")[entity]] || table == "entity") {
				t.Errorf("%s: the stock shell reads %s", table, row)
			}
		}
	}
}

// isRefused holds that what cannot be repaired is refused, with nothing made,
// and that the stock shell reads nothing of it either.
func (o original) isRefused(t *testing.T, path string) (reason string) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "refused.db")
	_, err := repair.Run(t.Context(), path, to, repair.Options{})
	if err == nil {
		return ""
	}
	if !strings.Contains(err.Error(), path) {
		t.Errorf("%v does not name the file", err)
	}
	if left, globErr := filepath.Glob(to + "*"); globErr != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, globErr)
	}
	for table, rows := range stockReads(t, path, o.tables) {
		if len(rows) > 0 {
			t.Errorf("it is refused (%v), and the stock shell reads %d rows of %s", err, len(rows), table)
		}
	}
	return err.Error()
}

// TestDamagedFirstPage overwrites the page with the file's header and the
// beginning of its schema, in part or whole.
func TestDamagedFirstPage(t *testing.T) {
	whole := variety(t)
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	o := originalOf(t, whole)
	const header, pageSize = 100, 4096
	outcomes := make(map[string]int)
	for name, from := range map[string]struct{ from, to int }{
		"all of it": {0, pageSize}, "the header": {0, header}, "the header's fields": {16, header}, "all but the header": {header, pageSize},
		"the page's own header": {header, header + 12}, "the cells": {pageSize / 2, pageSize},
	} {
		for seed := range uint64(2) {
			t.Run(fmt.Sprintf("%s, seed %d", name, seed), func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 6))
				damaged := bytes.Clone(content)
				for i := from.from; i < from.to; i++ {
					if damaged[i] = byte(random.Uint32()); seed == 0 {
						damaged[i] = 0
					}
				}
				path := filepath.Join(t.TempDir(), "damaged.db")
				if err := os.WriteFile(path, damaged, 0o600); err != nil {
					t.Fatal(err)
				}
				harmed := o.isHarmed(t, path)
				if reason := o.isRefused(t, path); reason != "" {
					outcomes[strings.ReplaceAll(reason, path, "FILE")]++
					return
				}
				outcomes[fmt.Sprintf("repaired; harmed: %v", harmed)]++
				o.isRepaired(t, path)
			})
		}
	}
	for outcome, n := range outcomes {
		t.Logf("%3d %s", n, outcome)
	}
}

// TestTruncated: the file ends early, at a page's end or within one.
func TestTruncated(t *testing.T) {
	whole := variety(t)
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	o := originalOf(t, whole)
	const pageSize = 4096
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 7))
		length := random.IntN(len(content)/pageSize) * pageSize
		if seed%2 == 1 {
			length += 1 + random.IntN(pageSize-1)
		}
		switch seed {
		case 0:
			length = len(content) - pageSize
		case 1:
			length = len(content) - 1
		}
		t.Run(fmt.Sprintf("seed %d, %d of %d bytes", seed, length, len(content)), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "damaged.db")
			if err := os.WriteFile(path, content[:length], 0o600); err != nil {
				t.Fatal(err)
			}
			// The last byte may be one that nothing is in.
			if !o.isHarmed(t, path) && length < len(content)-1 {
				t.Error("a check finds nothing")
			}
			if reason := o.isRefused(t, path); reason != "" {
				t.Logf("refused: %s", reason)
				if length > 4*pageSize && !lostSchema(reason) {
					t.Errorf("%s, though %d pages are there", reason, length/pageSize)
				}
				return
			}
			o.isRepaired(t, path)
		})
	}
}

// TestDamagedBesideALog: a process died, and left a log that holds more than
// the file; then pages of the file, or of the log, are overwritten or cut off.
func TestDamagedBesideALog(t *testing.T) {
	path := variety(t)
	s := open(t, path)
	for minute := range 40 {
		write(t, s, row(web0, noon.Add(time.Duration(200+minute)*time.Minute), reading("memory/usage", int64(minute))))
	}
	whole := filepath.Join(t.TempDir(), "whole.db")
	parts := make(map[string][]byte)
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		parts[suffix] = content
		if err := os.WriteFile(whole+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := originalOf(t, whole)
	bare := filepath.Join(t.TempDir(), "bare.db")
	if err := os.WriteFile(bare, parts[""], 0o600); err != nil {
		t.Fatal(err)
	}
	if samplesOf(t, bare) == o.samples {
		t.Fatal("the log holds nothing that the file does not")
	}
	const pageSize, frame = 4096, 4096 + 24
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 8))
		file, log := bytes.Clone(parts[""]), bytes.Clone(parts["-wal"])
		what := ""
		overwrite := func(page []byte) {
			for i := range page {
				page[i] = byte(random.Uint32())
			}
		}
		switch seed % 4 {
		case 0:
			n := 1 + random.IntN(len(file)/pageSize-1)
			overwrite(file[n*pageSize:][:pageSize])
			what = fmt.Sprintf("page %d of the file", n+1)
		case 1:
			n := random.IntN(len(log) / frame)
			overwrite(log[32+n*frame:][:frame])
			what = fmt.Sprintf("frame %d of the log", n+1)
		case 2:
			log = log[:random.IntN(len(log))]
			what = fmt.Sprintf("the log after %d bytes", len(log))
		case 3:
			file = file[:random.IntN(len(file)/pageSize-8)*pageSize+8*pageSize]
			what = fmt.Sprintf("the file after %d bytes", len(file))
		}
		t.Run(fmt.Sprintf("seed %d, %s", seed, what), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "damaged.db")
			for suffix, content := range map[string][]byte{"": file, "-wal": log} {
				if err := os.WriteFile(path+suffix, content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if reason := o.isRefused(t, path); reason == "" {
				o.isRepaired(t, path)
			} else if !lostSchema(reason) {
				t.Error(reason)
			}
		})
	}
}

// lostSchema reports whether a repair was refused because the schema is lost.
func lostSchema(reason string) bool { return strings.Contains(reason, "its schema is damaged") }
