package demo

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heapstash/archive/sqlite"
	"heapstash/cmd/heapstash/config"
	"heapstash/heapster/heapsim"
	"heapstash/internal/need"
	"heapstash/schema"
)

// newDemonstration returns a demo at a fixed moment.
func newDemonstration(path string, now time.Time, out io.Writer) *Demonstration {
	d := &Demonstration{Cfg: config.Default(), Out: out, Errors: io.Discard, Log: slog.New(slog.DiscardHandler), Program: "heapstash",
		Now: func() time.Time { return now }, Resolution: Step}
	d.Cfg.DBFile, d.Cfg.ClusterName = path, Cluster
	return d
}

// archived runs the demo without its output.
func (d *Demonstration) archived(t *testing.T) error {
	heapster := heapsim.New(heapsim.Options{Now: func() time.Time { return time.Unix(d.clock.Load(), 0) }})
	server := httptest.NewServer(heapster)
	defer server.Close()
	d.Cfg.HeapsterURL = server.URL
	_, err := d.bring(t.Context(), heapster)
	return err
}

// TestDemoGoesOn: an archive that demos made in several runs, by passes and without, has
// the same samples, incarnations and hours as an archive that was filled at once.
func TestDemoGoesOn(t *testing.T) {
	path, whole := filepath.Join(t.TempDir(), "a.db"), filepath.Join(t.TempDir(), "b.db")
	start := time.Date(2018, 7, 3, 1, 12, 30, 0, time.UTC)
	for _, later := range []time.Duration{0, 2 * time.Minute, 2*time.Minute + 10*time.Second, 95 * time.Minute} {
		if err := newDemonstration(path, start.Add(later), io.Discard).archived(t); err != nil {
			t.Fatal(err)
		}
	}
	state, err := Look(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if want := schema.InstantOf(start.Add(95 * time.Minute).Truncate(time.Minute)); state.Newest != want || len(state.Shaken) != 2 {
		t.Errorf("it ends at %v, shaken at %v; want %v, and twice", state.Newest, state.Shaken, want)
	}
	store, err := sqlite.Open(t.Context(), whole, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	story := NewStory(state.Begin, state.Shaken)
	if err := Fill(t.Context(), store, story, state.Begin, state.Newest, func(int, schema.Instant) {}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		// Of labelled metrics, floats are cut where they are not of the newest batch.
		`SELECT kind, namespace, pod, container, node, labels, metric, ts, CASE WHEN labels IS NULL THEN value ELSE CAST(value AS INTEGER) END FROM samples ORDER BY 1, 2, 3, 4, 5, 6, 7, 8`,
		`SELECT namespace, pod, uid, node, labels, images, owner_kind, owner, valid_from, valid_to, present FROM pod_identities ORDER BY 1, 2, valid_from`,
		`SELECT * FROM pod_hourly ORDER BY ts, namespace, pod`,
	} {
		if got, want := need.SQLite(t, path, statement), need.SQLite(t, whole, statement); got != want {
			t.Errorf("%s\nfirst differs at %s", statement, firstDifferent(got, want))
		} else if got == "" {
			t.Errorf("%s gives nothing", statement)
		}
	}
	if conflicts := need.SQLite(t, path, "SELECT count(*) FROM conflict"); conflicts != "0\n" {
		t.Errorf("%s conflicts", conflicts)
	}
}

func firstDifferent(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] + "\nwant " + b[i]
		}
	}
	return "its end"
}

// TestPathLine: if the demo was called by its path, the documents' commands are found
// after its line.
func TestPathLine(t *testing.T) {
	for program, want := range map[string]string{
		"heapstash":          "",
		"bin/heapstash":      "  export PATH=\"$PWD/bin:$PATH\"\n",
		"/opt/bin/heapstash": "  export PATH=\"/opt/bin:$PATH\"\n",
	} {
		if got := pathLine(program); got != want {
			t.Errorf("%s: %q, want %q", program, got, want)
		}
	}
}
