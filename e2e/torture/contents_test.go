package torture

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"heapstash/e2e/oracle"
	"heapstash/e2e/rig"
	"heapstash/schema"
)

// contents are an archive's samples and watermarks.
type contents struct {
	samples    []string          // of the view, sorted
	watermarks map[string]string // by kind, name and part
}

// contents reads an archive, in which neither SQLite nor `heapstash check` may find a
// fault. The shell rolls back a journal that a kill left.
func (w *world) contents(archive string) contents {
	w.Helper()
	out, err := rig.Shell(w.Context(), archive, `PRAGMA integrity_check; PRAGMA foreign_key_check;
		SELECT 'sample', * FROM samples; SELECT 'watermark', kind, name, part, ts FROM watermark`)
	if err != nil {
		w.Fatal(err)
	}
	verdict, rows, _ := strings.Cut(out, "\n")
	c := contents{watermarks: make(map[string]string)}
	for _, line := range oracle.Lines(rows) {
		what, row, _ := strings.Cut(line, "\t")
		switch what {
		case "sample":
			c.samples = append(c.samples, row)
		case "watermark":
			i := strings.LastIndex(row, "\t")
			c.watermarks[row[:i]] = row[i+1:]
		default:
			verdict += "\n" + line
		}
	}
	if verdict != "ok" {
		w.Fatalf("integrity_check: %s", verdict)
	}
	w.must(w.command("check", "--db-file", archive))
	return c
}

// samples returns the rows of the view samples, sorted.
func (w *world) samples(archive string) []string { w.Helper(); return w.contents(archive).samples }

// The columns of `SELECT * FROM samples`.
const (
	kindColumn      = 1
	namespaceColumn = 2
	nodeColumn      = 5
	labelsColumn    = 6
	metricColumn    = 7
	tsColumn        = 8
)

// scopeOf returns the scope of a sample as the table watermark spells it, and the
// stage of the pass that stores the sample. A stage is a transaction.
func scopeOf(sample string) (scope, stage string) {
	column := strings.Split(sample, "\t")
	kind, name, part := column[kindColumn], "", ""
	switch stage = kind; kind {
	case "cluster", "node", "namespace":
		stage = "first"
	case "container", "system_container":
		stage = "last"
		if oracle.IsExported(schema.MetricName(column[metricColumn])) {
			part = "standard"
		}
	}
	switch kind {
	case "node", "system_container":
		name = column[nodeColumn]
	case "pod", "container", "namespace":
		name = column[namespaceColumn]
	}
	if column[labelsColumn] != "NULL" {
		stage, part = "last", "labelled"
	}
	return strings.Join([]string{kind, name, part}, "\t"), stage
}

// stages ends the test unless the archive has all samples from before a pass, and of
// the new samples whole stages only, without a gap. Each scope's watermark must agree
// with its samples. It returns the number of stages, and whether nothing is missing.
func (w *world) stages(archive string, before, after []string) (stages int, all bool) {
	w.Helper()
	got := w.contents(archive)
	lost, added := oracle.Difference(before, got.samples)
	if len(lost) > 0 {
		w.Fatalf("%d samples that were committed are gone:\n%s", len(lost), oracle.First(lost))
	}
	missing, never := oracle.Difference(after, got.samples)
	if len(never) > 0 {
		w.Fatalf("%d samples that Heapster never showed:\n%s", len(never), oracle.First(never))
	}
	there, absent := make(map[string]string), make(map[string]string)
	for _, sample := range added {
		scope, stage := scopeOf(sample)
		there[stage] = sample
		if ts := strings.Split(sample, "\t")[tsColumn]; got.watermarks[scope] < ts {
			w.Fatalf("the watermark of %q is %q, and this is there: %s", scope, got.watermarks[scope], sample)
		}
	}
	for _, sample := range missing {
		scope, stage := scopeOf(sample)
		absent[stage] = sample
		if ts := strings.Split(sample, "\t")[tsColumn]; got.watermarks[scope] >= ts {
			w.Fatalf("the watermark of %q is %q, and this is missing: %s", scope, got.watermarks[scope], sample)
		}
	}
	order := []string{"first", "pod", "last"}
	for i, stage := range order {
		if there[stage] != "" && absent[stage] != "" {
			w.Fatalf("half of a transaction: there is %s\nand there is not %s", there[stage], absent[stage])
		}
		if i > 0 && there[stage] != "" && absent[order[i-1]] != "" {
			w.Fatalf("stage %s is there, and the one before is not: %s", stage, absent[order[i-1]])
		}
	}
	return len(there), len(missing) == 0
}

// holds ends the test unless the archive has exactly these samples.
func (w *world) holds(archive string, want []string) {
	w.Helper()
	if err := oracle.Compare(w.samples(archive), want); err != nil {
		w.Fatal(err)
	}
}

// equalTables selects what two archives of the same batches have in common, with
// names instead of ids. The ledger differs.
const equalTables = `
	PRAGMA integrity_check;
	PRAGMA foreign_key_check;
	SELECT 'watermark', * FROM watermark;
	SELECT 'cluster_state', * FROM cluster_state;
	SELECT 'asked', a.cluster, a.kind, a.name, a.part, m.name FROM asked a JOIN metric m ON m.id = a.metric_id;
	SELECT 'carried', e.cluster, e.kind, e.namespace, e.pod, e.container, e.node, e.labels, m.name
		FROM carried c JOIN metric m ON m.id = c.metric_id JOIN entity e ON e.id = c.entity_id;
	SELECT 'setting', * FROM setting WHERE name <> 'archive_id'; -- archive_id is random
	SELECT 'compaction', * FROM compaction;
	SELECT 'schema', type, name, sql FROM sqlite_schema;
	PRAGMA user_version; PRAGMA application_id; PRAGMA journal_mode;`

// cells returns the rows of an archive without the ledger, sorted.
func (w *world) cells(archive string) []string {
	w.Helper()
	queries := equalTables
	for _, view := range strings.Fields(w.sql(archive, "SELECT name FROM sqlite_schema WHERE type = 'view'")) {
		if !slices.Contains([]string{"passes", "holes", "gaps"}, view) {
			queries += fmt.Sprintf("SELECT '%s', * FROM \"%[1]s\";", view)
		}
	}
	return oracle.Lines(w.sql(archive, queries))
}

// alike fails the test unless two archives have the same cells.
func (w *world) alike(cells, twin []string) {
	w.Helper()
	if err := oracle.Compare(cells, twin); err != nil {
		w.Error("compared with an archive without faults: ", err)
	}
}

// exists reports whether a file exists.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
