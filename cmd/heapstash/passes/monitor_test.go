package passes

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/cmd/heapstash/config"
)

func TestMonitor(t *testing.T) {
	cfg := config.Default()
	cfg.DBFile = filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(cfg.DBFile, make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cfg.DBFile+"-wal", make([]byte, 234), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_500_000_000, 0)
	m := NewMonitor(cfg, 5*time.Minute, func() time.Time { return now })
	get := func(path string) (status int, body string) {
		answer := httptest.NewRecorder()
		m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		return answer.Code, answer.Body.String()
	}

	wantReady := func(status int, text string) {
		t.Helper()
		if got, body := get("/readyz"); got != status || !strings.Contains(body, text) {
			t.Errorf("readyz: %d %s, want %d %s", got, body, status, text)
		}
	}
	wantReady(http.StatusServiceUnavailable, "no pass has finished yet")

	m.Record(collect.Summary{
		Pass: archive.Pass{
			Outcome: archive.OutcomePartial,
			Tally:   archive.Tally{Requests: 7, Bytes: 70, New: 5, Duplicates: 3, Conflicts: 1},
			Newest:  1_499_999_940,
			Gap:     2 * time.Minute,
		},
		Holes: []archive.Hole{{Cause: archive.CauseLate}, {Cause: archive.CauseRefused}, {Cause: archive.CauseRefused}},
	}, 1500*time.Millisecond, nil)
	wantReady(http.StatusOK, "ok")

	now = now.Add(6 * time.Minute)
	wantReady(http.StatusServiceUnavailable, "the last pass finished 6m0s ago")
	m.Record(collect.Summary{}, time.Second, errors.New("disk is full"))
	wantReady(http.StatusServiceUnavailable, "the last pass failed: disk is full")
	m.Record(collect.Summary{Pass: archive.Pass{Outcome: archive.OutcomeComplete}}, time.Second, nil)
	wantReady(http.StatusOK, "ok")

	if status, _ := get("/healthz"); status != http.StatusOK {
		t.Errorf("healthz: %d", status)
	}
	_, metrics := get("/metrics")
	for _, want := range []string{
		`heapstash_passes_total{cluster="default",outcome="complete"} 1`,
		`heapstash_passes_total{cluster="default",outcome="partial"} 1`,
		`heapstash_passes_total{cluster="default",outcome="failed"} 1`,
		`heapstash_samples_total{cluster="default",result="new"} 5`,
		`heapstash_samples_total{cluster="default",result="duplicate"} 3`,
		`heapstash_samples_total{cluster="default",result="conflict"} 1`,
		`heapstash_holes_total{cause="refused",cluster="default"} 2`,
		`heapstash_lost_seconds_total{cluster="default"} 120`,
		`heapstash_requests_total{cluster="default"} 7`,
		`heapstash_received_bytes_total{cluster="default"} 70`,
		`heapstash_pass_duration_seconds_count{cluster="default"} 3`,
		`heapstash_last_success_timestamp_seconds{cluster="default"} 1.50000036e+09`,
		`heapstash_newest_sample_timestamp_seconds{cluster="default"} 1.49999994e+09`,
		`heapstash_archive_size_bytes{cluster="default"} 1234`,
		`heapstash_last_attempt_timestamp_seconds{cluster="default"} 1.50000036e+09`,
		`heapstash_last_attempt_duration_seconds{cluster="default"} 1`,
		`heapstash_archive_free_bytes{cluster="default"} `,
		`heapstash_build_info{cluster="default",version="`,
		`go_goroutines `,
	} {
		if !strings.Contains(metrics, "\n"+want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}
