package lake

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"heapstash/e2e/rig"
	"heapstash/internal/need"
)

// TestDocument runs the queries of docs/lake.md, which are also in the README of each lake.
func TestDocument(t *testing.T) {
	python := rig.Python(t, "lake", requirements)
	dir, _ := shipped(t)
	page, err := os.ReadFile("../../docs/lake.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(dir + "/_README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, queries, _ := strings.Cut(string(page), "## One query for each tool")
	blocks := regexp.MustCompile("(?ms)^```(?:duckdb|python|clickhouse)\n(.*?)^```$").FindAllStringSubmatch(queries, -1)
	frames := []string{
		"import duckdb; print(duckdb.sql('''QUERY'''))",
		"QUERY",
		"import read; spark = read.session()\nQUERY",
		"import os; from chdb import session\nprint(session.Session().query('''QUERY'''.replace(\"file('\", \"file('\" + os.getcwd() + '/')))",
	}
	if len(blocks) != len(frames) {
		t.Fatalf("the page has %d queries, not %d", len(blocks), len(frames))
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for i, frame := range frames {
		query := blocks[i][1]
		for line := range strings.Lines(query) {
			if !strings.Contains(string(readme), strings.TrimSpace(line)) {
				t.Errorf("the README of the lake lacks %s", line)
			}
		}
		if strings.Contains(frame, "spark") {
			if testing.Short() {
				continue // it takes minutes
			}
			need.Program(t, "java")
		}
		cmd := exec.Command(python, "-c", strings.Replace(frame, "QUERY", query, 1))
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PYTHONPATH="+here)
		out, err := cmd.CombinedOutput()
		if text := string(out); err != nil || !strings.Contains(text, "web-0") || !strings.Contains(text, "1506474060") || !strings.Contains(text, "web-1") {
			t.Errorf("%v\n%s\n%s", err, query, out)
		}
	}
}
