package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/lake"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

const (
	gb  = 1_000_000_000
	now = schema.Instant(1506496140)
)

// healthy is an archive that grows by 1 GB a day.
func healthy() engine.Examination {
	return engine.Examination{
		Path: "a.db", Exists: true, Version: 1, Newest: 1, Bytes: 10 * gb,
		Directory: "/data", FileSystem: engine.FileSystem{Name: "ext4", Safety: engine.SafetyLocal}, Free: 100 * gb,
		Growth:   &archive.Growth{BytesPerDay: gb},
		LastPass: &archive.PassStatus{ID: 7, Started: now.Add(-30 * time.Second), DurationMS: 2000, Outcome: archive.OutcomeComplete},
	}
}

func TestArchive(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*engine.Examination)
		finding string
		level   Level
		message string
	}{
		"archive":     {func(*engine.Examination) {}, "archive", OK, "a.db has format 1 and 10 GB"},
		"none yet":    {func(x *engine.Examination) { x.Exists, x.LastPass = false, nil }, "archive", OK, "is not there yet"},
		"old":         {func(x *engine.Examination) { x.Newest = 2 }, "archive", OK, "the next pass makes that 2"},
		"foreign":     {func(x *engine.Examination) { x.Err = archive.ErrNotArchive }, "archive", Fault, "not a heapstash archive"},
		"directory":   {func(*engine.Examination) {}, "directory", OK, "/data can be written to"},
		"in use":      {func(x *engine.Examination) { x.Locked = true }, "directory", OK, "at this moment"},
		"unwritable":  {func(x *engine.Examination) { x.Unwritable = errors.New("no way") }, "directory", Fault, "no way"},
		"file system": {func(*engine.Examination) {}, "file-system", OK, "ext4"},
		"nfs": {func(x *engine.Examination) {
			x.FileSystem = engine.FileSystem{Name: "nfs", Safety: engine.SafetyRemote}
		},
			"file-system", Warning, "nfs is a network file system"},
		"fuse": {func(x *engine.Examination) {
			x.FileSystem = engine.FileSystem{Name: "fuse", Safety: engine.SafetyUser}
		},
			"file-system", Warning, "FUSE"},
		"tmpfs": {func(x *engine.Examination) {
			x.FileSystem = engine.FileSystem{Name: "tmpfs", Safety: engine.SafetyFleeting}
		}, "file-system", Warning, "is gone when"},
		"strange": {func(x *engine.Examination) { x.FileSystem = engine.FileSystem{Name: "0x1"} }, "file-system", OK, "does not know (0x1)"},

		"space":        {func(*engine.Examination) {}, "space", OK, "100 GB are free, and the archive takes about 1 GB a day: enough for 100 days"},
		"some weeks":   {func(x *engine.Examination) { x.Free = 20 * gb }, "space", Warning, "enough for 20 days"},
		"some days":    {func(x *engine.Examination) { x.Free = 2 * gb }, "space", Fault, "enough for 2 days"},
		"nothing free": {func(x *engine.Examination) { x.Free, x.Growth = 1000, nil }, "space", Fault, "1 kB are free"},
		"young":        {func(x *engine.Examination) { x.Growth = nil }, "space", OK, "is known after six hours"},
		"pruned":       {func(x *engine.Examination) { x.Free, x.Growth.Pruned = 2*gb, true }, "space", OK, "takes at most 1 GB a day, and old raw samples are pruned"},

		"last pass": {func(*engine.Examination) {}, "last-pass", OK, "pass 7 was complete; it ended 28s ago"},
		"partial":   {func(x *engine.Examination) { x.LastPass.Outcome = archive.OutcomePartial }, "last-pass", Warning, "pass 7 has holes"},
		"failed": {func(x *engine.Examination) { x.LastPass.Outcome, x.LastPass.Error = archive.OutcomeFailed, "bang" },
			"last-pass", Fault, "failed 28s ago: bang"},
		"under way": {func(x *engine.Examination) { x.LastPass.Outcome, x.Locked = archive.OutcomeRunning, true },
			"last-pass", OK, "under way"},
		"died":      {func(x *engine.Examination) { x.LastPass.Outcome = archive.OutcomeRunning }, "last-pass", Warning, "died"},
		"abandoned": {func(x *engine.Examination) { x.LastPass.Outcome = archive.OutcomeAbandoned }, "last-pass", Warning, "died"},
		"late": {func(x *engine.Examination) { x.LastPass.Started = now.Add(-7 * time.Minute) },
			"last-pass", Fault, "ended 6m58s ago, and none came after it"},
		"namesakes": {func(x *engine.Examination) { x.Unknown = 4 }, "namesakes", Warning, "4 pods with a name that other namespaces have too"},
		"conflicts": {func(x *engine.Examination) { x.LastPass.Conflicts = 3 }, "conflicts", Warning, "met 3 samples with another value"},
	} {
		t.Run(name, func(t *testing.T) {
			x := healthy()
			test.change(&x)
			report := Archive(x, 0, 2*time.Minute, now.Time())
			i := slices.IndexFunc(report, func(f Finding) bool { return f.Name == test.finding })
			if i < 0 {
				t.Fatalf("no finding %s in %+v", test.finding, report)
			}
			if f := report[i]; f.Level != test.level || !strings.Contains(f.Message, test.message) {
				t.Errorf("%s, %s; want %s, %s", f.Level, f.Message, test.level, test.message)
			}
			for i, f := range report {
				if f.Level != OK && f.Name != test.finding {
					t.Errorf("also found: %+v", report[i])
				}
			}
		})
	}
}

// TestSpaceOfTheUnread: the growth of an archive that cannot be read is not known.
func TestSpaceOfTheUnread(t *testing.T) {
	x := healthy()
	x.Err, x.Growth = errors.New("no way"), nil
	report := Archive(x, 0, 2*time.Minute, now.Time())
	i := slices.IndexFunc(report, func(f Finding) bool { return f.Name == "space" })
	if i < 0 || report[i].Level != OK || report[i].Message != "100 GB are free" {
		t.Errorf("got %+v", report)
	}
}

// A lake that is not there, or lacks a day that the archive noted, is a fault.
func TestLake(t *testing.T) {
	dir := t.TempDir()
	day := archive.Daily.Begin(now)
	noted := []archive.LakeSpan{{Cluster: "prod", Table: "pod", Kind: schema.Pod, From: day, Until: day + 24*3600}}
	part := filepath.Join(dir, "kind=pod", "cluster=prod", "day="+day.Time().Format(time.DateOnly), "part-0.parquet")
	check := func(dir string, noted []archive.LakeSpan, level Level, message, fix string) {
		t.Helper()
		if f := Lake(lake.Open(dir, 0o600), noted); f.Name != "lake" || f.Level != level || !strings.Contains(f.Message, message) || !strings.Contains(f.Fix, fix) {
			t.Errorf("got %+v, want %s, %s, %s", f, level, message, fix)
		}
	}
	check(dir, nil, OK, "no raw samples there yet", "")
	check(dir, noted, Fault, `no files of cluster "prod", table pod, day `, "backup")
	check(filepath.Join(dir, "none"), noted, Fault, "no such file or directory", "is it mounted?")
	if err := os.MkdirAll(filepath.Dir(part), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(part, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check(dir, noted, OK, "has a file of each day", "")
}
