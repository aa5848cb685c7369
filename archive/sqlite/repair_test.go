package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/repair"
	"heapstash/internal/need"
	"heapstash/schema"
)

// repaired makes a repaired archive of one, and holds that it is whole.
func repaired(t *testing.T, path string) (string, repair.Report) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "new.db")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	done, err := repair.Run(t.Context(), path, to, repair.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := checked(t, to); len(got) > 0 {
		t.Errorf("the repaired archive: %v", got)
	}
	if got := stock(t, to, "PRAGMA integrity_check; PRAGMA foreign_key_check"); got != "ok" {
		t.Errorf("the repaired archive: %s", got)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the damaged archive has changed: %v", err)
	}
	left, err := filepath.Glob(to + "?*")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	return to, done
}

// samplesOf is every cell of the samples view, as the stock shell sees it.
func samplesOf(t *testing.T, path string) string {
	t.Helper()
	return stock(t, path, "SELECT cluster, kind, namespace, pod, container, node, labels, metric, ts, typeof(value), quote(value) FROM samples ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 11")
}

// lost is how many lines of one text another has not. It fails the test if
// that has any of its own.
func lost(t *testing.T, of, has string) int {
	t.Helper()
	count := make(map[string]int)
	for line := range strings.Lines(of + "\n") {
		count[line]++
	}
	n := strings.Count(of, "\n") + 1
	if has == "" {
		return n
	}
	for line := range strings.Lines(has + "\n") {
		if count[line]--; count[line] < 0 {
			t.Fatalf("a sample that was not there: %s", line)
		}
		n--
	}
	return n
}

// TestTornInvariants tears one invariant after the other: check names it, and
// a repair mends it, at the price of so many samples.
func TestTornInvariants(t *testing.T) {
	whole := variety(t)
	samples := samplesOf(t, whole)
	for _, test := range []struct {
		name, tear string
		want       []string
		lost       int
	}{
		{"nothing", "", []string{}, 0},
		{"an entity is gone", "DELETE FROM entity WHERE kind = 'system_container' AND cluster = 'blue'",
			[]string{"orphan-rows:narrow_cold", "orphan-rows:narrow_hot", "orphan-rows:narrow_hour",
				"orphan-rows:system_container_cold", "orphan-rows:system_container_hot", "orphan-rows:system_container_hour"}, 300},
		{"a pod is gone", "DELETE FROM entity WHERE kind = 'pod' AND pod = 'web-0' AND cluster = 'blue'",
			[]string{"foreign-keys", "orphan-rows:narrow_cold", "orphan-rows:narrow_hot", "orphan-rows:narrow_hour", "orphan-rows:pod_cold", "orphan-rows:pod_hot", "orphan-rows:pod_hour"}, 450},
		{"a metric is gone", "DELETE FROM metric WHERE name = 'custom/ns'", []string{"orphan-metrics:narrow_cold", "orphan-metrics:narrow_hot", "orphan-metrics:narrow_hour"}, 300},
		{"a metric of the registry is gone", "DELETE FROM metric WHERE name = 'cpu/load'", []string{"metrics"}, 0},
		{"another kind's entity", "UPDATE pod_hot SET entity_id = (SELECT id FROM entity WHERE kind = 'node' AND labels = '' AND cluster = 'green') WHERE ts = (SELECT max(ts) FROM pod_hot) AND entity_id = (SELECT min(entity_id) FROM pod_hot)",
			[]string{"wrong-table:pod_hot"}, 2},
		{"no pods any more", "UPDATE entity SET kind = 'replicaset' WHERE pod = 'web-1' AND cluster = 'blue'",
			[]string{"entity-names", "wrong-table:pod_cold", "wrong-table:pod_hot", "wrong-table:pod_hour"}, 300},
		{"a name too many", "UPDATE entity SET node = 'n1' WHERE kind = 'namespace' AND cluster = 'blue'", []string{"entity-names"}, 300},
		{"in hot and cold", "INSERT INTO pod_hot SELECT ts, entity_id, cpu_limit, cpu_load, cpu_request, cpu_usage_rate, ephemeral_storage_limit, ephemeral_storage_request, ephemeral_storage_usage, memory_cache, memory_limit, memory_major_page_faults_rate, memory_page_faults_rate, memory_request, memory_rss, memory_usage, memory_working_set, network_rx, network_rx_errors, network_rx_errors_rate, network_rx_rate, network_tx, network_tx_errors, network_tx_errors_rate, network_tx_rate, restart_count, uptime, accelerator_request FROM pod_cold LIMIT 5",
			[]string{"hot-and-cold:pod_hot", "hot-behind:pod_hot"}, 0},
		{"in hot and cold, narrow", "INSERT INTO narrow_hot SELECT ts, entity_id, metric_id, value FROM narrow_cold LIMIT 5",
			[]string{"hot-and-cold:narrow_hot", "hot-behind:narrow_hot"}, 0},
		{"hot is behind", "UPDATE compaction SET ts = ts + 3600 WHERE table_name = 'node'", []string{"hot-behind:node_hot"}, 0},
		{"cold is ahead", "UPDATE compaction SET ts = ts - 1800 WHERE table_name = 'narrow'", []string{"cold-ahead:narrow_cold"}, 0},
		{"compaction is gone", "DELETE FROM compaction WHERE table_name IN ('disk', 'pod')", []string{"cold-ahead:disk_cold", "cold-ahead:pod_cold"}, 0},
		{"a watermark is ahead", "UPDATE watermark SET ts = ts + 1 WHERE kind = 'pod' AND cluster = 'blue'", []string{"watermark-ahead"}, 0},
		{"no horizon", "DELETE FROM cluster_state WHERE cluster = 'blue'", []string{"watermark-ahead"}, 0},
		{"a scope of nothing", "INSERT INTO watermark VALUES ('blue', 'job', 'x', '', 1); INSERT INTO asked SELECT 'blue', 'pod', 'x', 'half', id FROM metric LIMIT 1", []string{"scopes"}, 0},
		{"two present", "UPDATE pod_identity SET valid_to = NULL WHERE uid = 'uid-50'", []string{"identity-overlap"}, 0},
		{"one within another", "UPDATE pod_identity SET valid_to = valid_to + 60 WHERE uid = 'uid-0'", []string{"identity-overlap"}, 0},
		{"an end before the beginning", "UPDATE pod_identity SET valid_to = valid_from - 60 WHERE uid = 'uid-0'", []string{"identity-overlap"}, 0},
		{"a node's incarnation", "UPDATE pod_identity SET entity_id = (SELECT id FROM entity WHERE kind = 'node' LIMIT 1) WHERE uid = 'uid-0' AND entity_id = (SELECT min(entity_id) FROM pod_identity)", []string{"identity-kind"}, 0},
		{"a namespace of two ids", "INSERT INTO namespace_id VALUES ('blue', 'x', 'shop'), ('blue', 'y', 'shop')", []string{"namespace-ids"}, 0},
		{"two sets of labels", "UPDATE namespace_label SET valid_to = NULL", []string{"label-overlap"}, 0},
		{"rows without a value", "UPDATE namespace_cold SET cpu_limit = NULL", []string{"empty-rows:namespace_cold", "samples-lost"}, 120},
		{"hot rows are gone", "DELETE FROM pod_hot; DELETE FROM cluster_hot; DELETE FROM node_hot", []string{"samples-lost"}, 1080},
		{"text", "UPDATE node_hot SET cpu_usage = '12' WHERE ts = (SELECT max(ts) FROM node_hot)", []string{"value-types:node_hot"}, 2},
		{"blobs", "UPDATE narrow_cold SET value = x'00' WHERE ts = (SELECT max(ts) FROM narrow_cold)", []string{"value-types:narrow_cold"}, 8},
		{"an absurd row", "UPDATE cluster_hot SET ts = 253402300800 WHERE ts = (SELECT max(ts) FROM cluster_hot)", []string{"absurd-times:cluster_hot"}, 2},
		{"an absurd watermark", "UPDATE watermark SET ts = 'soon' WHERE kind = 'container'", []string{"absurd-times", "watermark-ahead"}, 0},
		{"an absurd entity", "UPDATE entity SET first_seen = -1, last_seen = 'once' WHERE kind = 'node'", []string{"absurd-times"}, 0},
		{"an unknown outcome", "UPDATE pass SET outcome = 'lucky' WHERE id = 3", []string{"pass-outcomes"}, 0},
		{"a pass without an end", "UPDATE pass SET finished = NULL WHERE id = 3", []string{"pass-outcomes"}, 0},
		{"open passes", "UPDATE pass SET outcome = 'running', finished = NULL WHERE id < 3", []string{"passes-open"}, 0},
		{"a pass is gone", "DELETE FROM pass WHERE id = 1", []string{"foreign-keys"}, 0},
		{"a hole of nothing", "UPDATE hole SET lasting = 2 WHERE id = 1", []string{"hole-places"}, 0},
		{"conflicting text", "UPDATE conflict SET refused = 'n/a'", []string{"conflict-values"}, 0},
		{"a table's compaction", "INSERT INTO compaction VALUES ('pods', 7)", []string{"compaction-tables"}, 0},
		{"a metric with a column", "INSERT INTO narrow_hot SELECT ts, entity_id, (SELECT id FROM metric WHERE name = 'cpu/limit'), cpu_limit FROM pod_hot LIMIT 4",
			[]string{"narrow-column:narrow_hot"}, 0},
		{"a rollup of nobody", "INSERT INTO node_hour (entity_id, ts, samples) VALUES (999, 3600, 1); INSERT INTO rollup_due VALUES ('daily', 0, 'node', 999)", []string{"orphan-rows:node_hour"}, 0},
		{"another kind's rollup", "UPDATE pod_hour SET entity_id = (SELECT id FROM entity WHERE kind = 'node' AND labels = '' AND cluster = 'green') WHERE entity_id = (SELECT min(entity_id) FROM pod_hour)",
			[]string{"rollup-missing:pod_cold", "rollup-missing:pod_hour", "wrong-table:pod_hour"}, 0},
		{"a rollup of no hour", "UPDATE node_hour SET ts = ts + 60", []string{"absurd-times:node_hour", "rollup-missing:node_cold"}, 0},
		{"a rollup is gone", "DELETE FROM pod_hour WHERE ts = (SELECT max(ts) FROM pod_hour)", []string{"rollup-missing:pod_cold"}, 0},
		{"a rollup without a row", "UPDATE narrow_hour SET samples = samples - 1", []string{"rollup-behind:narrow_hour"}, 0},
		{"a rollup of text", "UPDATE disk_hour SET disk_io_read_bytes_rate_max = 'much'", []string{"value-types:disk_hour"}, 0},
		{"a rollup that does not count", "UPDATE node_hour SET counts = 'few'; UPDATE pod_hour SET samples = 0", []string{"rollup-behind:pod_hour", "value-types:node_hour", "value-types:pod_hour"}, 0},
		{"a day without an hour", "INSERT INTO node_day (entity_id, ts, samples) SELECT entity_id, ts - ts % 86400, samples - 1 FROM node_hour; DELETE FROM rollup_due WHERE table_name = 'node'",
			[]string{"rollup-behind:node_day"}, 0},
		{"nothing is due", "DELETE FROM rollup_due WHERE table_name IN ('pod', 'narrow')", []string{"rollup-missing:narrow_hour", "rollup-missing:pod_hour"}, 0},
		{"another view", "DROP VIEW pod; CREATE VIEW pod AS SELECT * FROM nowhere", []string{"schema", "views"}, 0},
		{"no index", "DROP INDEX entity_recent", []string{"schema"}, 0},
		{"another column", "ALTER TABLE pod_cold ADD COLUMN mood", []string{"schema"}, 0},
		{"an index that lacks a row", "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'hole_pass') WHERE name = 'pass_running'", []string{"pages", "passes-open"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := another(t, whole)
			tear(t, path, test.tear)
			if got := checked(t, path); !slices.Equal(slices.Sorted(slices.Values(got)), test.want) {
				t.Errorf("check: %v, want %v", got, test.want)
			}
			to, _ := repaired(t, path)
			if got := lost(t, samples, samplesOf(t, to)); got != test.lost {
				t.Errorf("%d samples are lost, want %d", got, test.lost)
			}
		})
	}
}

// TestRepairBringsTwiceStoredTogether: the value in cold stays, NULLs are
// filled, and another value is a conflict.
func TestRepairBringsTwiceStoredTogether(t *testing.T) {
	path := another(t, variety(t))
	tear(t, path, `
		CREATE TEMP TABLE at AS SELECT min(c.entity_id) AS id, min(c.ts) + 60 AS ts FROM pod_cold c JOIN entity e ON e.id = c.entity_id WHERE e.pod = 'web-0' AND e.cluster = 'blue';
		INSERT INTO pod_hot (ts, entity_id, cpu_limit, memory_usage, memory_rss) SELECT ts, id, 4, 777, 8 FROM at;
		INSERT INTO narrow_hot SELECT at.ts, at.id, m.id, 555 FROM at, metric m WHERE m.name = 'custom/q';
		INSERT INTO narrow_cold SELECT at.id, m.id, at.ts, 9 FROM at, metric m WHERE m.name = 'memory/cache'`)
	to, done := repaired(t, path)
	got := stock(t, to, "SELECT metric, value FROM samples WHERE cluster = 'blue' AND pod = 'web-0' AND container IS NULL AND ts = 1506513660 ORDER BY metric")
	if got != "cpu/limit|4\ncustom/q|1\nmemory/cache|9\nmemory/rss|8\nmemory/usage|1" {
		t.Errorf("samples:\n%s", got)
	}
	got = stock(t, to, "SELECT metric, kept, refused, pass FROM conflicts WHERE cluster = 'blue' AND ts = 1506513660 ORDER BY metric")
	if got != "custom/q|1|555|299\nmemory/usage|1|777|299" {
		t.Errorf("conflicts:\n%s", got)
	}
	if len(done.Corrected) == 0 {
		t.Error("nothing is said of it")
	}
}

// tablesOf lists the tables of samples.
func tablesOf(t *testing.T, path string) []string {
	return strings.Fields(stock(t, path, "SELECT name FROM sqlite_schema WHERE name LIKE '%\\_hot' ESCAPE '\\' OR name LIKE '%\\_cold' ESCAPE '\\' ORDER BY name"))
}

// keyOf is the key of a table of samples, or of entity, and where a row has the
// entity's id.
func keyOf(table string) (columns string, entity int) {
	switch {
	case table == "entity":
		return "id", 0
	case strings.HasSuffix(table, "_hot"):
		return "ts, entity_id", 1
	default:
		return "entity_id, ts", 0
	}
}

// stockReads is what the stock shell reads of each table from both ends, until it
// meets damage.
func stockReads(t *testing.T, path string, tables []string) map[string]map[string]bool {
	var script strings.Builder
	rows := make(map[string]map[string]bool)
	for _, table := range tables {
		rows[table] = make(map[string]bool)
		key, _ := keyOf(table)
		for _, order := range []string{key, strings.ReplaceAll(key, ",", " DESC,") + " DESC"} {
			fmt.Fprintf(&script, "SELECT '%s', * FROM %s NOT INDEXED ORDER BY %s;\n", table, table, order)
		}
	}
	shell := exec.Command(need.Program(t, "sqlite3"), "-readonly", path)
	shell.Stdin = strings.NewReader(script.String())
	out, _ := shell.Output() // what it cannot read is no failure
	for line := range strings.Lines(string(out)) {
		table, row, _ := strings.Cut(strings.TrimSpace(line), "|")
		if rows[table] != nil {
			rows[table][row] = true
		}
	}
	return rows
}

// TestDamagedPages overwrites pages.
func TestDamagedPages(t *testing.T) {
	whole := variety(t)
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	o := originalOf(t, whole)
	const pageSize = 4096
	pages := len(content) / pageSize
	rounds := 25
	if testing.Short() {
		rounds = 8
	}
	harmless := 0
	for seed := range uint64(rounds) {
		random := rand.New(rand.NewPCG(seed, 5))
		damaged := bytes.Clone(content)
		var what []string
		for range 1 + random.IntN(4) {
			n := 1 + random.IntN(pages-1) // the first has the header: TestDamagedFirstPage
			page := damaged[n*pageSize:][:pageSize]
			switch kind := random.IntN(4); kind {
			case 0:
				clear(page)
			case 1:
				copy(page, content[random.IntN(pages)*pageSize:][:pageSize])
			default:
				for i := range page {
					page[i] = byte(random.Uint32())
				}
				if kind == 3 {
					page[0] = []byte{2, 5, 10, 13}[random.IntN(4)] // a page of a kind that there is
				}
			}
			what = append(what, fmt.Sprint(n+1))
		}
		t.Run(fmt.Sprintf("seed %d, pages %s", seed, strings.Join(what, " ")), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "damaged.db")
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if !o.isHarmed(t, path) {
				harmless++
			}
			if reason := o.isRefused(t, path); reason == "" {
				o.isRepaired(t, path)
			} else if !lostSchema(reason) {
				t.Error(reason)
			}
		})
	}
	t.Logf("%d pages, %d of %d rounds did no harm", pages, harmless, rounds)
}

// TestRepairOfALostSchema: what is not in the schema is not guessed. Without its
// entities an archive is refused; without another table, the rest is copied. Both
// name the tool that may find more.
func TestRepairOfALostSchema(t *testing.T) {
	const forget = "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE tbl_name = "
	path := another(t, variety(t))
	samples := samplesOf(t, path)
	tear(t, path, forget+"'asked'")
	to, done := repaired(t, path)
	if samplesOf(t, to) != samples {
		t.Error("samples are lost")
	}
	if !slices.ContainsFunc(done.Corrected, func(m repair.Correction) bool {
		return m.Table == "asked" && strings.Contains(m.What, "sqlite3 FILE .recover")
	}) {
		t.Errorf("mended: %v", done.Corrected)
	}
	tear(t, path, forget+"'entity'")
	_, err := repair.Run(t.Context(), path, filepath.Join(t.TempDir(), "new.db"), repair.Options{})
	if err == nil || !strings.Contains(err.Error(), path+": its schema is damaged") || !strings.Contains(schema.HintOf(err), "sqlite3 FILE .recover") {
		t.Errorf("%v; %s", err, schema.HintOf(err))
	}
}

// TestRepairThroughALink: the log is beside the file that the link leads to,
// and what is in it is not lost.
func TestRepairThroughALink(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	write(t, s, row(web0, noon, reading("memory/usage", 1)))
	write(t, s, row(web0, noon+60, reading("memory/usage", 2)))
	// As a crash leaves it.
	left := filepath.Join(t.TempDir(), "left.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(left+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(left, link); err != nil {
		t.Fatal(err)
	}
	to, done := repaired(t, link)
	if got := samplesOf(t, to); got != samplesOf(t, path) || strings.Count(got, "\n") != 1 {
		t.Errorf("repaired:\n%s", got)
	}
	if done.Path != link || done.File != left {
		t.Errorf("it is of %s, %s", done.Path, done.File)
	}
	var sizes [2]int64
	for i, path := range []string{link, left} {
		r, err := sqlite.OpenReader(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		status, err := r.Status(t.Context())
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		sizes[i] = status.Bytes
	}
	if info, err := os.Stat(left + "-wal"); err != nil || info.Size() == 0 || sizes[0] != sizes[1] {
		t.Errorf("bytes by the link and by the file: %d; the log: %v, %v", sizes, info, err)
	}
}
