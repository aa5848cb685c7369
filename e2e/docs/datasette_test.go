package docs

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"heapstash/schema"
)

// metadata is Datasette's metadata: a title, a description, and for each database its
// tables, including views, and its canned queries.
// https://docs.datasette.io/en/stable/metadata.html
type metadata struct {
	Title       string              `yaml:"title"`
	Description string              `yaml:"description"`
	Databases   map[string]database `yaml:"databases"`
}

type database struct {
	Description string            `yaml:"description"`
	Tables      map[string]shown  `yaml:"tables"`
	Queries     map[string]canned `yaml:"queries"`
}

type shown struct {
	Description string            `yaml:"description,omitempty"`
	Hidden      bool              `yaml:"hidden,omitempty"`
	Columns     map[string]string `yaml:"columns,omitempty"`
}

type canned struct {
	Title string `yaml:"title"`
	SQL   string `yaml:"sql"`
}

const head = `# For Datasette: what the views are, their columns' units, and the cookbook's questions.
# The test of e2e/docs makes it: go test -C e2e ./docs -run TestDatasette -update
`

// made returns the metadata of an archive.
func made(t *testing.T) metadata {
	d := database{
		Description: "A heapstash archive. Times are UTC; ts is in Unix seconds and reaches the keys. The tables are private, the views are public.",
		Tables:      make(map[string]shown), Queries: make(map[string]canned),
	}
	for _, row := range table(t, shell(t, "SELECT type, name FROM sqlite_schema WHERE type IN ('view', 'table') AND name NOT LIKE 'sqlite%'", "-csv")) {
		kind, name := row[0], row[1]
		if kind == "table" {
			d.Tables[name] = shown{Hidden: true}
			continue
		}
		s := shown{Description: meaning(name), Columns: make(map[string]string)}
		for _, column := range table(t, shell(t, "SELECT name FROM pragma_table_info('"+name+"')", "-csv")) {
			if text := columnMeaning(column[0]); text != "" {
				s.Columns[column[0]] = text
			}
		}
		d.Tables[name] = s
	}
	for _, r := range cookbook(t) {
		d.Queries[slug(r.heading)] = canned{r.heading, r.sql + "\n"}
	}
	return metadata{"heapstash", "What Heapster showed of Kubernetes clusters, kept.", map[string]database{"heapstash": d}}
}

func slug(heading string) string {
	return strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(heading), "_"), "_")
}

// meaning describes a row of a view.
func meaning(view string) string {
	for suffix, what := range map[string]string{"_hourly": "An hour of ", "_daily": "A day of ", "_rates": "The growth of counters per second, of "} {
		if of, is := strings.CutSuffix(view, suffix); is {
			return what + of
		}
	}
	return map[string]string{
		"samples": "A sample of any metric, custom ones too", "metrics": "A metric, with its unit", "entities": "Whatever there are samples of",
		"pod_identities": "An incarnation of a pod", "namespace_labels": "The labels of a namespace for some time", "passes": "A pass",
		"holes": "Something that a pass could not have", "gaps": "A time that is missing", "conflicts": "A second value for a sample",
	}[view]
}

// parts are the columns of a metric's rollup.
var parts = []struct{ suffix, text string }{
	{"_min", "the least"}, {"_max", "the greatest"}, {"_avg", "average"}, {"_sum", "sum of the values"}, {"_p50", "median"}, {"_p95", "95th percentile"},
	{"_increase", "growth; from 0 after a reset"}, {"_last", "last value"},
}

// columnMeaning describes a column by its metric's description, unit and statistic.
func columnMeaning(column string) string {
	all := slices.Concat(metricsOfAll()...)
	of := func(name string) (schema.Metric, bool) {
		i := slices.IndexFunc(all, func(m schema.Metric) bool { return m.Column() == name })
		return all[max(i, 0)], i >= 0
	}
	if m, is := of(column); is {
		return m.Description + " In " + string(m.Unit) + "."
	}
	if name, is := strings.CutSuffix(column, "_count"); is {
		if _, is := of(name); is {
			return "Number of values."
		}
	}
	for _, p := range parts {
		if name, is := strings.CutSuffix(column, p.suffix); is {
			if m, is := of(name); is {
				return "In " + string(m.Unit) + ": " + p.text + "."
			}
		}
	}
	return map[string]string{"ts": "Unix seconds, UTC; of an hour or a day, its begin.", "time": "The same as text.", "samples": "Number of rows that it stands for."}[column]
}

func metricsOfAll() (all [][]schema.Metric) {
	for _, k := range schema.Kinds() {
		all = append(all, schema.MetricsOf(k))
	}
	for _, f := range schema.Families() {
		all = append(all, schema.MetricsOfFamily(f))
	}
	return all
}

// TestDatasette: the file agrees with the registry and the cookbook, has the members
// that Datasette documents, and its queries run in the stock shell.
func TestDatasette(t *testing.T) {
	name := filepath.Join(root, "deploy", "datasette", "metadata.yaml")
	var want bytes.Buffer
	want.WriteString(head)
	encoder := yaml.NewEncoder(&want)
	encoder.SetIndent(2)
	if err := cmp.Or(encoder.Encode(made(t)), encoder.Close()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(name, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want.Bytes()) {
		t.Error("metadata.yaml differs from the registry and the cookbook: -update rewrites it")
	}

	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var m metadata
	if err := decoder.Decode(&m); err != nil {
		t.Fatal(err)
	}
	for name, q := range m.Databases["heapstash"].Queries {
		t.Run(name, func(t *testing.T) {
			shell(t, q.SQL)
			if got := shell(t, then(q.SQL)); got == "" {
				t.Error("it gives no rows")
			}
		})
	}
	for name, shown := range m.Databases["heapstash"].Tables {
		if !shown.Hidden && shown.Description == "" && len(shown.Columns) == 0 {
			t.Errorf("nothing is said of %s", name)
		}
	}
}
