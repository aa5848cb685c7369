package cookbook

import (
	"os"
	"strings"
	"testing"
	"time"

	"heapstash/cmd/heapstash/engine"
)

// TestCookbookHasTheReports: the pages' SQL is what the commands run.
func TestCookbookHasTheReports(t *testing.T) {
	for of, name := range map[engine.Dialect]string{engine.SQLite: "cookbook.md", engine.ClickHouse: "cookbook-clickhouse.md"} {
		language := map[engine.Dialect]string{engine.SQLite: "sql", engine.ClickHouse: "clickhouse"}[of]
		page, err := os.ReadFile("../../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, report := range append(Names(), "sizing-owner") {
			text, err := Text(of, report)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(page), "```"+language+"\n"+text+"```\n") {
				t.Errorf("docs/%s does not have %s.sql", name, report)
			}
		}
	}
}

func TestOnlyTheFirstLineDiffers(t *testing.T) {
	text, err := Text(engine.SQLite, "sizing")
	if err != nil {
		t.Fatal(err)
	}
	got, err := SQL(engine.SQLite, "sizing", Asked{Now: 1506470400, Range: 48 * time.Hour, Namespaces: "it's, AS now", Excluded: "kube-*", Top: -1})
	if err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(got, "\n")
	if want := "WITH asked AS (SELECT 1506470400 AS now, 2 AS days, 'it''s, AS now' AS namespaces, 'kube-*' AS excluded, -1 AS top),"; first != want {
		t.Errorf("%s, want %s", first, want)
	}
	if _, same, _ := strings.Cut(text, "\n"); rest != same {
		t.Errorf("the rest is\n%s", rest)
	}
	if _, err := SQL(engine.SQLite, "packing", Asked{Namespaces: "a"}); err == nil {
		t.Error("nodes have namespaces")
	}
}
