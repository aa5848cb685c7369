package sqlite_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

// The archives of the versions that were released are files, and stay as they
// are: -update makes that of the newest one only, before its release.
var update = flag.Bool("update", false, "make the archive of this version, and what stock sqlite3 says of it, anew")

// contract is what users see of an archive, in queries that do for archives of
// all versions.
var contract = []string{
	`SELECT cluster, kind, namespace, pod, container, node, labels, metric, ts, time, typeof(value), value FROM samples ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9`,
	`SELECT cluster, namespace, pod, uid, node, labels, images, owner_kind, owner, valid_from, valid_to, present FROM pod_identities ORDER BY 1, 2, 3, 10`,
	`SELECT cluster, namespace, labels, valid_from, valid_to, present FROM namespace_labels ORDER BY 1, 2, 4`,
	`SELECT cluster, kind, namespace, pod, container, node, labels, first_seen, last_seen, listed FROM entities ORDER BY 1, 2, 3, 4, 5, 6, 7`,
	`SELECT cluster, version, started, finished, outcome, error, requests, samples_new, conflicts FROM passes ORDER BY started`,
	`SELECT cluster, kind, namespace, pod, node, metric, cause, detail, from_ts, to_ts, lasting FROM holes ORDER BY 1, 2, 3, 4, 5, 7`,
	`SELECT cluster, pod, metric, ts, kept, refused FROM conflicts ORDER BY 1, 2, 3, 4`,
	`SELECT * FROM watermark ORDER BY 1, 2, 3, 4`,
	`SELECT a.cluster, a.kind, a.name, a.part, m.name FROM asked a JOIN metric m ON m.id = a.metric_id ORDER BY 1, 2, 3, 4, 5`,
	`SELECT * FROM cluster_state ORDER BY 1`,
	`SELECT * FROM compaction ORDER BY 1`,
	`SELECT cluster, kind, namespace, pod, container, node, labels, metric, ts, samples, min, avg, max, sum, increase, last FROM samples_hourly ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9`,
	`SELECT cluster, kind, namespace, pod, container, node, labels, metric, ts, samples, min, avg, max, sum, increase, last FROM samples_daily ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9`,
	`SELECT * FROM pod_hourly ORDER BY 1, 2, 3, 4`,
	`SELECT * FROM node_daily ORDER BY 1, 2, 3`,
	`SELECT * FROM namespace_id ORDER BY 1, 2`,
}

// says is what stock sqlite3 answers to all of that.
func says(t *testing.T, path string) string {
	t.Helper()
	var b strings.Builder
	for _, query := range contract {
		fmt.Fprintf(&b, "%s\n%s\n\n", query, stock(t, path, query))
	}
	return b.String()
}

// TestReleasedVersions opens an archive of each version: it becomes one of the
// newest, like one that is made today, and has what it had.
func TestReleasedVersions(t *testing.T) {
	fresh := newPath(t)
	open(t, fresh)
	const schemaOf = `SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2`
	newest, err := strconv.Atoi(stock(t, fresh, "PRAGMA user_version"))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		makeVersion(t, newest)
	}
	for version := 1; version <= newest; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			path := newPath(t)
			unpack(t, packed(version), path)
			want, err := os.ReadFile(said(version))
			if err != nil {
				t.Fatal(err)
			}
			if got := stock(t, path, "PRAGMA user_version"); got != strconv.Itoa(version) {
				t.Fatalf("it has version %s", got)
			}
			// Readers need no migration.
			r, err := sqlite.OpenReader(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			status, err := r.Status(t.Context())
			if err := errors.Join(err, r.Close()); err != nil || status.Version != version || len(status.Kinds) == 0 {
				t.Errorf("status: %+v, %v", status, err)
			}

			s := open(t, path)
			if got := says(t, path); got != string(want) {
				t.Errorf("%s says otherwise:\n%s", said(version), firstDifference(got, string(want)))
			}
			if got, want := stock(t, path, schemaOf), stock(t, fresh, schemaOf); got != want {
				t.Errorf("its schema is not that of a new archive:\n%s", firstDifference(got, want))
			}
			if got := stock(t, path, "PRAGMA user_version; PRAGMA integrity_check; PRAGMA foreign_key_check"); got != fmt.Sprintf("%d\nok", newest) {
				t.Errorf("version, integrity: %s", got)
			}
			got := write(t, s, row(web0, versionBegin, reading("uptime", 1)), row(web0, versionBegin.Add(24*time.Hour), reading("uptime", 1)))
			if got != (archive.Written{New: 1, Conflicts: 1}) {
				t.Errorf("a pass wrote %+v", got)
			}
		})
	}
}

func packed(version int) string {
	return filepath.Join("testdata", "versions", fmt.Sprintf("v%d.db.gz", version))
}

func said(version int) string {
	return filepath.Join("testdata", "versions", fmt.Sprintf("v%d.txt", version))
}

func unpack(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatalf("%v\nmake it before the release: go test ./archive/sqlite -run TestReleasedVersions -update", err)
	}
	unzip, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(unzip)
	if err == nil {
		err = os.WriteFile(to, plain, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("got  %s\nwant %s", g[i], w[min(i, len(w)-1)])
		}
	}
	return fmt.Sprintf("got  %d lines\nwant %d", len(g), len(w))
}

const versionBegin = noon - 3*3600

// makeVersion writes an archive that has something in every table, and what
// stock sqlite3 says of it.
func makeVersion(t *testing.T, version int) {
	t.Helper()
	path := newPath(t)
	s := open(t, path)
	fill(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, table := range strings.Fields(stock(t, path, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")) {
		if stock(t, path, "SELECT EXISTS (SELECT 1 FROM "+table+")") != "1" {
			t.Errorf("there is nothing in %s", table)
		}
	}
	var zipped bytes.Buffer
	zip, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := os.ReadFile(path)
	if err == nil {
		_, err = zip.Write(plain)
	}
	err = errors.Join(err, zip.Close(),
		os.WriteFile(packed(version), zipped.Bytes(), 0o644), os.WriteFile(said(version), []byte(says(t, path)), 0o644))
	if err != nil {
		t.Fatal(err)
	}
}

// fill puts something into every table and column.
func fill(t *testing.T, s *sqlite.Store) {
	t.Helper()
	entities := []schema.Entity{
		schema.ClusterEntity(), schema.NodeEntity("n1"), schema.NamespaceEntity("shop"), web0,
		schema.ContainerEntity("shop", "web-0", "nginx"), schema.SystemContainerEntity("n1", "kubelet"),
	}
	labels := map[schema.Family]string{
		schema.Filesystem: "resource_id:/dev/sda1", schema.Disk: "resource_id:8:0",
		schema.Accelerator: "accelerator_id:gpu-0,make:nvidia,model:k80",
	}
	local := time.Unix(1600000000, 0)
	for hour, offset := range []int{0, 1, 2, 27} { // the last one beyond the day
		at := versionBegin.Add(time.Duration(offset) * time.Hour)
		p := archive.Pass{Cluster: "default", Version: "v0", Started: local.Add(time.Duration(hour) * time.Hour), Outcome: archive.OutcomePartial}
		var err error
		if p.ID, err = s.BeginPass(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		b := archive.Batch{
			Pass: p.ID, Cluster: "default", Horizon: at, Seen: at, Appeared: entities,
			Watermarks: map[schema.Scope]schema.Instant{web0.Scope(): at, schema.ClusterEntity().Scope(): at - 60},
			Asked:      map[schema.Scope][]schema.MetricName{web0.Scope(): {"uptime", "custom/queue"}},
			Carried:    map[schema.Entity][]schema.MetricName{web0: {"custom/queue"}},
			Identities: []schema.Identity{{
				Pod: web0, UID: fmt.Sprintf("uid-%d", hour/2), Node: "n1", Labels: "app:web", Images: "nginx=nginx:1.13",
				Owner: schema.Owner{Kind: "StatefulSet", Name: "web"}, Since: at,
			}},
			NamespaceLabels: map[string]string{"shop": fmt.Sprintf("team:%d", hour/2)},
			NamespaceIDs:    map[string]string{fmt.Sprintf("id-%d", hour/2): "shop"},
			Holes: []archive.Hole{
				{Entity: schema.Entity{Kind: schema.Pod, Namespace: "bank"}, Cause: archive.CauseRefused, Detail: "403", Lasting: true},
				{Entity: web0, Metric: "uptime", Cause: archive.CauseLate, Detail: "évincé", Window: schema.Window{From: at - 600, To: at - 60}},
			},
		}
		value := int64(0)
		next := func() schema.Value {
			value++
			if value%5 == 0 {
				return schema.Real(float64(value) + 0.5)
			}
			return schema.Int(value*1000 + int64(hour))
		}
		for _, e := range entities {
			r := schema.Row{Entity: e, At: at}
			for _, m := range schema.MetricsOf(e.Kind) {
				r.Readings = append(r.Readings, readingOf(m.Name, next()))
			}
			r.Readings = append(r.Readings, readingOf("custom/queue", next()))
			b.Rows = append(b.Rows, r)
			for _, family := range schema.Families() {
				r := schema.Row{Entity: e, At: at}
				r.Entity.Labels = labels[family]
				for _, m := range schema.MetricsOfFamily(family) {
					r.Readings = append(r.Readings, readingOf(m.Name, next()))
				}
				b.Rows = append(b.Rows, r)
			}
		}
		if _, err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		again := archive.Batch{Pass: p.ID, Cluster: "default", Rows: []schema.Row{row(web0, at, reading("uptime", 7))}}
		if written, err := s.Write(t.Context(), again); err != nil || written.Conflicts != 1 {
			t.Fatalf("%+v, %v", written, err)
		}
		p.Finished, p.Newest, p.Horizon = p.Started.Add(time.Second), at, at
		p.Tally = archive.Tally{Requests: 10, New: int(value), Conflicts: 1}
		if err := s.EndPass(t.Context(), p, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := upkeep.CompactSome(t.Context(), s.Writer, at); err != nil {
			t.Fatal(err)
		}
	}
	last, err := s.BeginPass(t.Context(), archive.Pass{Cluster: "default", Started: local.Add(5 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	late := archive.Batch{Pass: last, Cluster: "default", Rows: []schema.Row{row(web0, versionBegin.Add(time.Minute), reading("uptime", 60001))}}
	if _, err := s.Write(t.Context(), late); err != nil {
		t.Fatal(err)
	}
}
