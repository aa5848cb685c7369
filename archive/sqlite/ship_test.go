package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/lake"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/check"
	"heapstash/archive/sqlite/read"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

// together returns a line for each raw sample of the lake and the archive, sorted, and how
// many of them are in the archive.
func together(t *testing.T, path string, l *lake.Lake) (lines []string, held int) {
	t.Helper()
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	samples, err := read.OpenSamples(t.Context(), r.Reader)
	if err != nil {
		t.Fatal(err)
	}
	defer samples.Close()
	spell := func(all iter.Seq2[*archive.Series, error]) (lines []string) {
		for s, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			for sample := range s.Samples {
				lines = append(lines, fmt.Sprintf("%s %v %s %d %v", s.Cluster, s.Entity, s.Columns[sample.Column].Metric, sample.At, sample.Value))
			}
		}
		slices.Sort(lines)
		return lines
	}
	of := archive.Selection{Shown: true}
	own := spell(samples.Series(t.Context(), of))
	if l == nil {
		return own, len(own)
	}
	return spell(l.With(samples).Series(t.Context(), of)), len(own)
}

// sound ends the test unless the archive passes its check.
func sound(t *testing.T, path string) {
	t.Helper()
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	report, err := r.Check(t.Context(), check.Options{})
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("%+v, %v", report.Findings, err)
	}
}

var shortRaw = archive.Retention{archive.Raw: map[schema.Kind]time.Duration{
	schema.Pod: 8 * day, schema.Container: 3 * day, schema.Node: 5 * time.Hour, schema.Cluster: 2 * day,
}}

// Pruned rows are in the lake, in whole days, and every sample is there once.
func TestPruneShips(t *testing.T) {
	path := newPath(t)
	end := fillArchive(t, path)
	all, _ := together(t, path, nil)
	l := lake.Open(t.TempDir(), 0o600)
	opts := sqlite.Options{Retention: shortRaw, Lake: l}
	pruned, err := upkeep.Prune(t.Context(), path, opts, end.Time())
	if err != nil {
		t.Fatal(err)
	}
	now, held := together(t, path, l)
	if !slices.Equal(now, all) {
		t.Errorf("%d samples, of %d", len(now), len(all))
	}
	young := archive.Daily.Begin(end.Add(-5 * time.Hour))
	want := stock(t, path, fmt.Sprintf("SELECT count(*) FROM samples WHERE ts < CASE kind WHEN 'pod' THEN %d WHEN 'container' THEN %d WHEN 'node' THEN %d WHEN 'cluster' THEN %d ELSE 0 END",
		archive.Daily.Begin(end.Add(-8*day)), archive.Daily.Begin(end.Add(-3*day)), young, archive.Daily.Begin(end.Add(-2*day))))
	if strings.TrimSpace(want) != "0" || held >= len(all) || pruned.AllRows() == 0 {
		t.Errorf("%s old samples are left, %d of %d samples, %d rows were deleted", want, held, len(all), pruned.AllRows())
	}
	sound(t, path)
	again, err := upkeep.Prune(t.Context(), path, opts, end.Time())
	if err != nil || again.AllRows() != 0 {
		t.Errorf("again: %+v, %v", again, err)
	}
}

// Passes ship a little at a time, and the lake is complete at any time.
func TestPassesShip(t *testing.T) {
	path := newPath(t)
	end := fillArchive(t, path)
	all, _ := together(t, path, nil)
	l := lake.Open(t.TempDir(), 0o600)
	for i := range 200 {
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{Retention: shortRaw, Lake: l})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Upkeep(t.Context(), end); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if i%5 == 0 {
			if now, _ := together(t, path, l); !slices.Equal(now, all) {
				t.Fatalf("%d samples, of %d, after %d passes", len(now), len(all), i+1)
			}
		}
	}
	if _, held := together(t, path, nil); held >= len(all)/2 {
		t.Errorf("%d samples are left of %d", held, len(all))
	}
}

// The note has a span for days that follow one another, so that each of its days is in the
// lake.
func TestNotedSpans(t *testing.T) {
	path := newPath(t)
	opts := sqlite.Options{Retention: archive.Retention{archive.Raw: map[schema.Kind]time.Duration{schema.Pod: 2 * day}}, Lake: lake.Open(t.TempDir(), 0o600)}
	first := archive.Daily.Begin(noon)
	for i, step := range []struct {
		days []int // that get a row
		want [][2]int
	}{
		{[]int{0, 1, 3}, [][2]int{{0, 2}, {3, 4}}},
		{[]int{6}, [][2]int{{0, 2}, {3, 4}, {6, 7}}},
		{[]int{2, 4}, [][2]int{{0, 5}, {6, 7}}},
		{[]int{3, 5}, [][2]int{{0, 7}}},
	} {
		s, now := open(t, path), noon.Add(time.Duration(20+i)*day) // another day, other cutoffs
		pass, err := s.BeginPass(t.Context(), archive.Pass{Cluster: "default"})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range step.days {
			at := noon.Add(time.Duration(n)*day + time.Minute)
			if _, err := s.Write(t.Context(), archive.Batch{Pass: pass, Cluster: "default", Horizon: now, Rows: []schema.Row{row(web0, at, reading("memory/usage", 1))}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := upkeep.Prune(t.Context(), path, opts, now.Time()); err != nil {
			t.Fatal(err)
		}
		r, err := sqlite.OpenReader(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		spans, err := r.InLake(t.Context())
		r.Close()
		var got [][2]int
		for _, span := range spans {
			got = append(got, [2]int{int(span.From.Sub(first) / day), int(span.Until.Sub(first) / day)})
		}
		if err != nil || !slices.Equal(got, step.want) {
			t.Errorf("after rows of the days %v: %v, %v, want %v", step.days, got, err, step.want)
		}
	}
}

// Late rows of a day in the lake get there, too; and those of another cluster.
func TestLateRowsShip(t *testing.T) {
	path := newPath(t)
	end := fillArchive(t, path)
	l := lake.Open(t.TempDir(), 0o600)
	opts := sqlite.Options{Retention: shortRaw, Lake: l}
	if _, err := upkeep.Prune(t.Context(), path, opts, end.Time()); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	for i, cluster := range []string{"default", "a/b"} {
		pass, err := s.BeginPass(t.Context(), archive.Pass{Cluster: cluster})
		if err != nil {
			t.Fatal(err)
		}
		late := noon.Add(90 * time.Second)
		b := archive.Batch{Pass: pass, Cluster: cluster, Horizon: end.Add(day), Rows: []schema.Row{
			row(web0, late, reading("memory/usage", int64(i)), reading("custom/late", 5)),
			row(web0, noon, reading("cpu/usage_rate", 7)), // another metric of a row in the lake
			row(schema.PodEntity("a", "new"), late, reading("memory/usage", 1)),
		}}
		if _, err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, had := together(t, path, l)
	if _, err := upkeep.Prune(t.Context(), path, opts, end.Add(day).Time()); err != nil { // another day, other cutoffs
		t.Fatal(err)
	}
	after, held := together(t, path, l)
	if !slices.Equal(after, before) || held >= had {
		t.Errorf("%d samples, of %d; %d in the archive, of %d", len(after), len(before), held, had)
	}
	if left := stock(t, path, fmt.Sprintf("SELECT count(*) FROM samples WHERE kind = 'pod' AND ts < %d", noon.Add(day))); strings.TrimSpace(left) != "0" {
		t.Errorf("%s late samples are left", left)
	}
}

// A late sample meets the lake's value: the same one is read again, another one is a
// conflict in the ledger, and neither is counted or stored twice. If the lake could not be
// read meanwhile, shipping does that.
func TestLateSamplesMeetTheLake(t *testing.T) {
	path := newPath(t)
	end := fillArchive(t, path)
	first := noon.Add(day + 30*time.Minute)
	memory := int64(first) // see fillArchive
	all, _ := together(t, path, nil)
	l := lake.Open(t.TempDir(), 0o600)
	if _, err := upkeep.Prune(t.Context(), path, sqlite.Options{Retention: shortRaw, Lake: l}, end.Time()); err != nil {
		t.Fatal(err)
	}
	write := func(lake archive.Lake, rows ...schema.Row) archive.Written {
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{Lake: lake})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		pass := archive.Pass{Cluster: "default", Started: end.Time(), Finished: end.Time(), Outcome: archive.OutcomeComplete}
		if pass.ID, err = s.BeginPass(t.Context(), pass); err != nil {
			t.Fatal(err)
		}
		written, err := s.Write(t.Context(), archive.Batch{Pass: pass.ID, Cluster: "default", Horizon: end.Add(day), Rows: rows})
		if err := errors.Join(err, s.EndPass(t.Context(), pass, nil)); err != nil {
			t.Fatal(err)
		}
		return written
	}
	again := row(web0, first, reading("memory/usage", memory))
	other := row(web0, first, reading("memory/usage", memory+1))
	if got := write(l, again); got != (archive.Written{Duplicates: 1}) {
		t.Errorf("again: %+v", got)
	}
	if got := write(l, other, row(web0, first, reading("custom/a", -5))); got != (archive.Written{Conflicts: 2}) {
		t.Errorf("other: %+v", got)
	}
	const conflicts = "SELECT pod, metric, ts, kept, refused, pass FROM conflicts WHERE refused <> -1 ORDER BY ts, metric"
	met := fmt.Sprintf("web-0|custom/a|%[1]d|%[1]d|-5|483\nweb-0|memory/usage|%[1]d|%[1]d|%[2]d|483\n", first, memory+1)
	if got := stock(t, path, conflicts) + "\n"; got != met {
		t.Errorf("conflicts:\n%swant\n%s", got, met)
	}
	if now, _ := together(t, path, l); !slices.Equal(now, all) {
		t.Errorf("%d samples, of %d", len(now), len(all))
	}
	if left := stock(t, path, fmt.Sprintf("SELECT count(*) FROM samples WHERE kind = 'pod' AND ts < %d", first+1)); strings.TrimSpace(left) != "0" {
		t.Errorf("%s late samples are in the archive", left)
	}

	later := first.Add(30 * time.Minute)
	if got := write(failing{archive.ErrLocked}, row(web0, later, reading("memory/usage", -7))); got != (archive.Written{New: 1}) {
		t.Errorf("without the lake: %+v", got)
	}
	pruned, err := upkeep.Prune(t.Context(), path, sqlite.Options{Retention: shortRaw, Lake: l}, end.Add(day).Time())
	if err != nil || pruned.LakeConflicts != 1 {
		t.Errorf("%+v, %v", pruned, err)
	}
	met += fmt.Sprintf("web-0|memory/usage|%[1]d|%[1]d|-7|484\n", later)
	if got := stock(t, path, conflicts) + "\n"; got != met {
		t.Errorf("conflicts:\n%swant\n%s", got, met)
	}
	if now, _ := together(t, path, l); !slices.Equal(now, all) {
		t.Errorf("%d samples, of %d", len(now), len(all))
	}
	sound(t, path)
}

// failing is a lake that fails.
type failing struct{ err error }

func (f failing) Keep(context.Context, archive.LakeDay, iter.Seq2[*archive.Series, error]) ([]archive.Conflict, error) {
	return nil, f.err
}
func (f failing) Find(context.Context, archive.LakeDay, []schema.Entity) iter.Seq2[*archive.Series, error] {
	return func(yield func(*archive.Series, error) bool) { yield(nil, f.err) }
}
func (failing) Dir() string { return "" }

// Without a lake that takes them, no raw rows are pruned. Two heapstashes wait for each
// other.
func TestNothingIsPrunedWithoutTheLake(t *testing.T) {
	path := newPath(t)
	end := fillArchive(t, path)
	all, _ := together(t, path, nil)
	upkeepOnce := func(l archive.Lake) error {
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{Retention: shortRaw, Lake: l})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Upkeep(t.Context(), end)
		return errors.Join(err, s.Close())
	}
	full := lake.Open(filepath.Join(t.TempDir(), "gone"), 0o600)
	if err := upkeepOnce(full); !errors.Is(err, archive.ErrLake) || schema.HintOf(err) == "" {
		t.Errorf("%v, hint %q", err, schema.HintOf(err))
	}
	if err := upkeepOnce(failing{archive.ErrLocked}); err != nil {
		t.Error(err)
	}
	if now, _ := together(t, path, nil); !slices.Equal(now, all) {
		t.Errorf("%d samples are left of %d", len(now), len(all))
	}
	if err := os.Mkdir(full.Dir(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := upkeepOnce(full); err != nil {
		t.Error(err)
	}
}
