package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"heapstash/e2e/oracle"
	"heapstash/e2e/rig"
	"heapstash/schema"
)

// thirtyDays are the seconds by which the archive's rows are made older.
const thirtyDays = "2592000"

// TestRealDataThroughTheLake: what the real Heapster's handlers show of odd data (negative,
// beyond 2^53, floats, custom names with slashes and UTF-8, pods made again) is the same
// in the lake, cell by cell. Questions and exports with --lake give what an archive gives
// that keeps its raw rows.
func TestRealDataThroughTheLake(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	for i, b := range oddities(s.now) {
		for j := range b.Sets {
			if of := b.Sets[j].Entity; of.Kind == schema.Pod && of.Pod == "web-0" {
				b.Sets[j].Attributes = map[string]string{"pod_id": []string{"first", "second"}[i], "nodename": []string{"n1", "n2"}[i]}
			}
		}
		must(t, s.heapster.Feed(b))
		o := s.command(s.archive, "", "collect", "--heapster-url", s.heapster.URL, "--partial-ok")
		if o.Code != 0 && o.Code != 3 {
			t.Fatalf("exit code %d\n%s\n%s", o.Code, o.Stderr, o.Stdout)
		}
	}
	var older strings.Builder
	for _, table := range oracle.Lines(s.sql("SELECT name FROM sqlite_schema WHERE name LIKE '%\\_hot' ESCAPE '\\'")) {
		older.WriteString("UPDATE " + table + " SET ts = ts - " + thirtyDays + ";")
	}
	older.WriteString("UPDATE pod_identity SET valid_from = valid_from - " + thirtyDays + ", valid_to = valid_to - " + thirtyDays + ";")
	older.WriteString("UPDATE entity SET first_seen = first_seen - " + thirtyDays + ";")
	if out, err := exec.Command("sqlite3", s.archive, older.String()).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := func(archive, lake string, arguments ...string) string {
		o := s.command(archive, lake, arguments...)
		if o.Code != 0 && o.Code != 1 {
			t.Fatalf("%v: exit code %d\n%s", arguments, o.Code, o.Stderr)
		}
		if o.Code == 1 {
			return o.Stderr
		}
		return o.Stdout
	}
	run(s.archive, "", "compact")
	data, err := os.ReadFile(s.archive)
	must(t, err)
	whole := filepath.Join(t.TempDir(), "whole.db")
	must(t, os.WriteFile(whole, data, 0o600))
	lake := filepath.Join(t.TempDir(), "lake")
	must(t, os.Mkdir(lake, 0o700))
	run(s.archive, lake, "prune", "--keep-raw", "10d")

	want := oracle.Rounded(oracle.Lines(rig.SQL(t, whole, "SELECT * FROM samples")))
	if left := s.sql("SELECT count(*) FROM samples"); left != "0" {
		t.Errorf("%s samples are left", left)
	}
	metrics := make(map[string]string)
	for _, m := range schema.Registry() {
		metrics[m.Column()] = string(m.Name)
	}
	got, err := oracle.Lake(lake, metrics)
	must(t, err)
	if err := oracle.Compare(got, want); err != nil {
		t.Error("the lake: ", err)
	}
	export := []string{"export", "--format", "csv"}
	if err := oracle.Compare(oracle.Lines(run(s.archive, lake, append(export, "--lake")...)), oracle.Lines(run(whole, "", export...))); err != nil {
		t.Error("export: ", err)
	}

	answers := 0
	for i, line := range oracle.Lines(rig.SQL(t, whole, "SELECT DISTINCT metric, kind FROM samples")) {
		metric, kind, _ := strings.Cut(line, "\t")
		question := []string{"query", metric, "--kind", kind, "--since", "40d", "--until", "20d", "--format", "csv", "--quiet", "--agg", aggregatesOf(metric)}
		question = append(question, [][]string{nil, {"--step", "1m"}, {"--by", "cluster"}}[i%3]...)
		a, b := run(s.archive, lake, append(question, "--lake")...), run(whole, "", append(question, "--level", "raw")...)
		switch isAnswer := strings.HasPrefix(b, "metric,"); {
		case isAnswer && a == b:
			answers++
		case isAnswer || strings.HasPrefix(a, "metric,"): // else there is nothing in either
			t.Errorf("%v:\n%s\nwant\n%s", question, a, b)
		}
	}
	if answers < 60 {
		t.Errorf("%d answers are compared", answers)
	}
}

// aggregatesOf returns what may be asked of a metric.
func aggregatesOf(metric string) string {
	switch m, known := schema.Lookup(schema.MetricName(metric)); {
	case !known:
		return "avg,min,max,sum,count,last,p50,p95,increase,rate"
	case m.Type == schema.Cumulative:
		return "increase,rate,last"
	default:
		return "avg,min,max,sum,count,last,p50,p95"
	}
}

// command runs heapstash on an archive with a lake, or none.
func (s *story) command(archive, lake string, arguments ...string) rig.Outcome {
	command := exec.Command(programs.Heapstash, append(arguments, "--db-file", archive)...)
	command.Env = []string{"HEAPSTASH_ARCHIVE_LAKE=" + lake, "TMPDIR=" + s.TempDir()}
	return rig.Run(s, command)
}
