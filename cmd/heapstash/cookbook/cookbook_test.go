package cookbook

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestCookbookHasTheReports: the page's SQL is what the commands run.
func TestCookbookHasTheReports(t *testing.T) {
	page, err := os.ReadFile("../../../docs/cookbook.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(Names(), "sizing-owner") {
		text, err := Text(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "```sql\n"+text+"```\n") {
			t.Errorf("docs/cookbook.md does not have %s.sql", name)
		}
	}
}

func TestOnlyTheFirstLineDiffers(t *testing.T) {
	text, err := Text("sizing")
	if err != nil {
		t.Fatal(err)
	}
	got, err := SQL("sizing", Asked{Now: 1506470400, Range: 48 * time.Hour, Namespaces: "it's, AS now", Excluded: "kube-*", Top: -1})
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
	if _, err := SQL("packing", Asked{Namespaces: "a"}); err == nil {
		t.Error("nodes have namespaces")
	}
}
