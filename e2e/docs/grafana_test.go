package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// dashboard has the members of a dashboard that the test reads.
type dashboard struct {
	Inputs []struct {
		Name     string `json:"name"`
		PluginID string `json:"pluginId"`
	} `json:"__inputs"`
	Templating struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Panels []struct {
		ID      int     `json:"id"`
		Title   string  `json:"title"`
		Type    string  `json:"type"`
		Source  source  `json:"datasource"`
		Targets []query `json:"targets"`
	} `json:"panels"`
}

type variable struct {
	Name   string `json:"name"`
	Query  string `json:"query"`
	Source source `json:"datasource"`
	Multi  bool   `json:"multi"`
}

type source struct{ Type, UID string }

// query is a query of the data source.
type query struct {
	Text        string   `json:"queryText"`
	Raw         string   `json:"rawQueryText"`
	Type        string   `json:"queryType"`
	TimeColumns []string `json:"timeColumns"`
	Source      source   `json:"datasource"`
}

// interpolate replaces Grafana's variables and the data source's macro in a query:
// https://github.com/fr-ser/grafana-sqlite-datasource#macros.
func interpolate(text string) string {
	text = strings.ReplaceAll(text, "$__unixEpochGroupSeconds(ts, 86400)", "cast((ts / 86400) as int) * 86400")
	return strings.NewReplacer(
		"$__from", fmt.Sprint(end.AddDate(0, 0, -30).UnixMilli()), "$__to", fmt.Sprint(end.UnixMilli()),
		"${namespace:singlequote}", "'shop','search'", "$cluster", "year").Replace(text)
}

// TestGrafanaDashboard: each query of the dashboard gives rows, and queries for charts
// give time series.
func TestGrafanaDashboard(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy", "grafana", "heapstash.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&d); err != nil {
		t.Fatal(err)
	}
	const plugin = "frser-sqlite-datasource"
	if len(d.Inputs) != 1 || d.Inputs[0].PluginID != plugin {
		t.Fatalf("inputs: %+v", d.Inputs)
	}
	ours := source{plugin, "${" + d.Inputs[0].Name + "}"}
	for _, v := range d.Templating.List {
		if v.Source != ours {
			t.Errorf("variable %s asks %v", v.Name, v.Source)
		}
		if rows := run(t, v.Query); len(rows) < 2 {
			t.Errorf("variable %s has no values", v.Name)
		}
	}
	ids := make(map[int]bool)
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("two panels are %d", p.ID)
		}
		ids[p.ID] = true
		if p.Source != ours || len(p.Targets) != 1 || p.Targets[0].Source != ours || p.Targets[0].Text != p.Targets[0].Raw {
			t.Errorf("%s: %+v", p.Title, p)
			continue
		}
		q := p.Targets[0]
		t.Run(p.Title, func(t *testing.T) {
			rows := run(t, q.Text)
			if len(rows) < 3 {
				t.Fatalf("%d rows", len(rows))
			}
			if want := map[string]string{"timeseries": "time series", "table": "table"}[p.Type]; q.Type != want {
				t.Errorf("a query of type %q in a panel of type %q", q.Type, p.Type)
			}
			if p.Type == "timeseries" {
				isSeries(t, q, rows)
			}
		})
	}
	if len(ids) < 5 {
		t.Errorf("%d panels", len(ids))
	}
}

// isSeries fails the test unless the data source can make series of the rows: a time in
// seconds, in order, a name, and a number.
func isSeries(t *testing.T, q query, rows [][]string) {
	t.Helper()
	if len(q.TimeColumns) != 1 || len(rows[0]) != 3 || rows[0][0] != q.TimeColumns[0] || rows[0][2] != "value" {
		t.Fatalf("columns %v, of which %v are times", rows[0], q.TimeColumns)
	}
	before := int64(0)
	for _, row := range rows[1:] {
		at, err := strconv.ParseInt(row[0], 10, 64)
		if err != nil || at < before || at < end.AddDate(0, 0, -30).Unix() || at >= end.Unix() {
			t.Fatalf("a row of %s after %d: %v", row[0], before, err)
		}
		before = at
		if _, err := strconv.ParseFloat(row[2], 64); err != nil || row[1] == "" {
			t.Fatalf("a row %v: %v", row, err)
		}
	}
}

// run runs a query in the stock shell.
func run(t *testing.T, text string) [][]string {
	t.Helper()
	statement := interpolate(text)
	if strings.Contains(statement, "$") {
		t.Fatalf("a variable or macro that is not known:\n%s", statement)
	}
	return table(t, shell(t, statement, "-header", "-csv"))
}
