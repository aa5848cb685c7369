package docs

import (
	"encoding/csv"
	"flag"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"heapstash/e2e/rig"
)

var update = flag.Bool("update", false, "write what the questions of the cookbook give into it")

// recipe is a question of the cookbook.
type recipe struct{ heading, sql, output string }

// recipes returns the questions of the page.
func recipes(t *testing.T, page string) (all []recipe) {
	t.Helper()
	for _, section := range strings.Split(page, "\n## ")[1:] {
		heading, rest, _ := strings.Cut(section, "\n")
		sql, is := block(rest, "sql")
		if !is {
			t.Fatalf("%q has no SQL", heading)
		}
		output, is := block(rest, "output")
		if !is {
			t.Fatalf("%q has no output", heading)
		}
		all = append(all, recipe{heading, sql, output})
	}
	return all
}

// cookbook returns the questions of the cookbook.
func cookbook(t *testing.T) []recipe {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "cookbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	return recipes(t, string(text))
}

// block returns the text between ```kind and ```.
func block(text, kind string) (string, bool) {
	_, rest, found := strings.Cut(text, "```"+kind+"\n")
	if !found {
		return "", false
	}
	inside, _, found := strings.Cut("\n"+rest, "\n```")
	return strings.TrimPrefix(inside, "\n"), found
}

// TestCookbook: every question of the page gives the output of the page.
func TestCookbook(t *testing.T) {
	name := filepath.Join(root, "docs", "cookbook.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	all := recipes(t, page)
	if len(all) < 10 {
		t.Fatalf("%d recipes", len(all))
	}
	for _, r := range all {
		t.Run(r.heading, func(t *testing.T) {
			got := trimmed(shell(t, then(r.sql), "-header", "-column"))
			if strings.Count(got, "\n") < 2 {
				t.Errorf("it gives no rows:\n%s", got)
			}
			if *update {
				page = strings.Replace(page, r.sql+"\n```\n```output\n"+withEnd(r.output)+"```", r.sql+"\n```\n```output\n"+withEnd(got)+"```", 1)
			} else if got != r.output {
				t.Errorf("the page says\n%s\n\nand it gives\n%s", r.output, got)
			}
		})
	}
	if *update {
		if err := os.WriteFile(name, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// trimmed removes the spaces at the ends of lines.
func trimmed(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

func withEnd(s string) string {
	if s == "" {
		return ""
	}
	return s + "\n"
}

// TestCookbookWithHeapstash: heapstash sql and the stock shell give the same.
func TestCookbookWithHeapstash(t *testing.T) {
	heapstash, err := rig.BuildHeapstash()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range cookbook(t) {
		t.Run(r.heading, func(t *testing.T) {
			command := exec.Command(heapstash, "sql", "--db-file", archived(t), "--format", "csv", "-")
			command.Stdin = strings.NewReader(then(r.sql))
			command.Stderr = os.Stderr
			out, err := command.Output()
			if err != nil {
				t.Fatal(err)
			}
			got, want := cells(t, string(out)), cells(t, shell(t, then(r.sql), "-header", "-csv"))
			if !slices.EqualFunc(got, want, sameCell) {
				t.Errorf("it gives\n%v\nrather than\n%v", got, want)
			}
		})
	}
}

func cells(t *testing.T, text string) (all []string) { return slices.Concat(table(t, text)...) }

// table parses CSV. Its first row is the header.
func table(t *testing.T, text string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// sameCell compares two cells. The shell prints 15 digits of a float.
func sameCell(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	y, other := strconv.ParseFloat(b, 64)
	if err != nil || other != nil {
		return a == b
	}
	return math.Abs(x-y) <= 1e-14*math.Abs(x)
}

// TestCookbookAsksRollups: questions about long ranges read hours or days, because rows
// may have been pruned.
func TestCookbookAsksRollups(t *testing.T) {
	for _, r := range cookbook(t) {
		for _, name := range []string{"pod", "node", "namespace", "cluster", "container", "samples"} {
			raw := strings.Contains(r.sql, "FROM "+name+"\n") || strings.Contains(r.sql, "FROM "+name+" ")
			if raw && !strings.Contains(r.sql, "'-1 day'") {
				t.Errorf("%q reads %s over a long range", r.heading, name)
			}
		}
	}
}
