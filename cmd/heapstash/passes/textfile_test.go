package passes

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/cmd/heapstash/config"
	"heapstash/schema"
)

// textfileIn returns a textfile in a directory of its own, and its log.
func textfileIn(t *testing.T) (Textfile, *bytes.Buffer) {
	t.Helper()
	var logged bytes.Buffer
	cfg := config.Default()
	cfg.DBFile = filepath.Join(t.TempDir(), "a.db")
	cfg.MetricsTextfile = filepath.Join(t.TempDir(), "heapstash.prom")
	return Textfile{cfg, slog.New(slog.NewTextHandler(&logged, nil))}, &logged
}

// wantSeries checks that the file has the lines.
func wantSeries(t *testing.T, file string, lines ...string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range lines {
		if !strings.Contains("\n"+string(text), "\n"+want+"\n") {
			t.Errorf("got\n%s\nwithout\n%s", text, want)
		}
	}
}

func TestTextfileGoesOnFromPassToPass(t *testing.T) {
	f, logged := textfileIn(t)
	partial := collect.Summary{
		Pass: archive.Pass{
			Outcome: archive.OutcomePartial,
			Tally:   archive.Tally{Requests: 7, Bytes: 1e12 + 1, New: 5, Duplicates: 3, Conflicts: 1},
			Newest:  1_499_999_940,
			Gap:     2 * time.Minute,
		},
		Holes: []archive.Hole{{Cause: archive.CauseLate}, {Cause: archive.CauseAllKeys, Lasting: true}},
	}
	at := time.Unix(1_500_000_000, 0)
	path := f.Cfg.MetricsTextfile
	if err := f.Write(partial, at, 1500*time.Millisecond, nil); err != nil {
		t.Fatal(err)
	}
	success := []string{
		`heapstash_last_success_timestamp_seconds{cluster="default"} 1.5e+09`,
		`heapstash_newest_sample_timestamp_seconds{cluster="default"} 1.49999994e+09`,
		`heapstash_passes_total{cluster="default",outcome="complete"} 0`,
		`heapstash_passes_total{cluster="default",outcome="partial"} 1`,
		`heapstash_samples_total{cluster="default",result="new"} 5`,
		`heapstash_holes_total{cause="late",cluster="default"} 1`,
		`heapstash_received_bytes_total{cluster="default"} 1.000000000001e+12`,
		`heapstash_lost_seconds_total{cluster="default"} 120`,
		`heapstash_archive_size_bytes{cluster="default"} 0`,
	}
	wantSeries(t, path, append(success,
		`heapstash_last_attempt_timestamp_seconds{cluster="default"} 1.5e+09`,
		`heapstash_last_attempt_duration_seconds{cluster="default"} 1.5`,
		`heapstash_passes_total{cluster="default",outcome="failed"} 0`)...)

	// A pass that failed, or did not begin, leaves what was good.
	if err := f.Write(collect.Summary{}, at.Add(time.Minute), time.Second, archive.ErrLocked); err != nil {
		t.Fatal(err)
	}
	wantSeries(t, path, append(success,
		`heapstash_last_attempt_timestamp_seconds{cluster="default"} 1.50000006e+09`,
		`heapstash_last_attempt_duration_seconds{cluster="default"} 1`,
		`heapstash_passes_total{cluster="default",outcome="failed"} 1`)...)

	if err := f.Write(partial, at.Add(2*time.Minute), time.Second, nil); err != nil {
		t.Fatal(err)
	}
	wantSeries(t, path,
		`heapstash_last_success_timestamp_seconds{cluster="default"} 1.50000012e+09`,
		`heapstash_passes_total{cluster="default",outcome="partial"} 2`,
		`heapstash_passes_total{cluster="default",outcome="failed"} 1`,
		`heapstash_received_bytes_total{cluster="default"} 2.000000000002e+12`,
		`heapstash_lost_seconds_total{cluster="default"} 240`)

	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("beside it: %v, %v", left, err)
	}
	if logged.Len() > 0 {
		t.Errorf("logged: %s", logged)
	}
	if text, _ := os.ReadFile(path); bytes.Contains(text, []byte("go_")) || bytes.Contains(text, []byte("allkeys")) {
		t.Errorf("the process of a moment or a lasting hole is in\n%s", text)
	}
}

// A file with other content is replaced, and that is logged.
func TestTextfileThatIsAnothers(t *testing.T) {
	for name, test := range map[string]struct{ text, logged string }{
		"empty":           {"", ""},
		"not in the form": {"PNG{{{\n", "text format parsing error"},
		"cut off":         {`heapstash_passes_total{cluster="def`, "text format parsing error"},
		"another program": {"apt_upgrades_pending 5\n", `it has apt_upgrades_pending{cluster=\"\"}`},
		"another cluster": {"# TYPE heapstash_passes_total counter\n" +
			`heapstash_passes_total{cluster="other",outcome="complete"} 5` + "\n", `it has heapstash_passes_total{cluster=\"other\"}`},
		"other labels":   {"# TYPE heapstash_passes_total counter\n" + `heapstash_passes_total{cluster="default"} 5` + "\n", "inconsistent label"},
		"another type":   {`heapstash_passes_total{cluster="default",outcome="complete"} 5` + "\n", ""},
		"negative":       {"# TYPE heapstash_requests_total counter\n" + `heapstash_requests_total{cluster="default"} -5` + "\n", ""},
		"without end":    {"# TYPE heapstash_requests_total counter\n" + `heapstash_requests_total{cluster="default"} +Inf` + "\n", ""},
		"not any number": {"# TYPE heapstash_requests_total counter\n" + `heapstash_requests_total{cluster="default"} NaN` + "\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, logged := textfileIn(t)
			if err := os.WriteFile(f.Cfg.MetricsTextfile, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			summary := collect.Summary{Pass: archive.Pass{Outcome: archive.OutcomeComplete, Tally: archive.Tally{Requests: 1}}}
			if err := f.Write(summary, time.Unix(1_500_000_000, 0), time.Second, nil); err != nil {
				t.Fatal(err)
			}
			wantSeries(t, f.Cfg.MetricsTextfile,
				`heapstash_passes_total{cluster="default",outcome="complete"} 1`, `heapstash_requests_total{cluster="default"} 1`)
			if !strings.Contains(logged.String(), test.logged) || test.logged == "" && logged.Len() > 0 {
				t.Errorf("logged %q, want %q in it", logged, test.logged)
			}
		})
	}
}

func TestTextfileThatCannotBeWritten(t *testing.T) {
	f, _ := textfileIn(t)
	f.Cfg.MetricsTextfile = filepath.Join(f.Cfg.MetricsTextfile, "none", "m.prom")
	err := f.Write(collect.Summary{}, time.Now(), 0, nil)
	if schema.HintOf(err) == "" || !strings.Contains(err.Error(), f.Cfg.MetricsTextfile) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
