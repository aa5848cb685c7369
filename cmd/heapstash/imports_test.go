package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestImportGraph holds the shape of the project: a diamond with cmd on top,
// heapster and archive side by side, and schema at the foot. No arrow runs up
// or across.
func TestImportGraph(t *testing.T) {
	// For each package, what of ours it may import, and which libraries are
	// its own: no other package may import them, unless it names them too.
	rules := map[string]struct{ ours, libraries []string }{
		"heapstash/schema":                 {},
		"heapstash/internal/need":          {}, // imported by tests only, which this does not look at
		"heapstash/heapster/wire":          {ours: []string{"heapstash/schema"}, libraries: []string{"github.com/go-json-experiment/"}},
		"heapstash/heapster":               {ours: []string{"heapstash/schema", "heapstash/heapster/wire"}},
		"heapstash/heapster/heapsim":       {ours: []string{"heapstash/schema", "heapstash/heapster/wire"}},
		"heapstash/heapster/kube":          {ours: []string{"heapstash/schema", "heapstash/heapster"}, libraries: []string{"k8s.io/"}},
		"heapstash/archive/salvage":        {},
		"heapstash/archive/strict":         {libraries: []string{"github.com/mattn/go-sqlite3"}},
		"heapstash/archive/query":          {ours: []string{"heapstash/schema"}},
		"heapstash/archive":                {ours: []string{"heapstash/schema", "heapstash/archive/salvage", "heapstash/archive/strict", "heapstash/archive/query"}, libraries: []string{"github.com/mattn/go-sqlite3"}},
		"heapstash/archive/collect":        {ours: []string{"heapstash/schema"}},
		"heapstash/cmd/heapstash/engine":   {ours: []string{"heapstash/archive"}},
		"heapstash/cmd/heapstash/show":     {ours: []string{"heapstash/schema"}},
		"heapstash/cmd/heapstash/demo":     {ours: []string{"heapstash/schema", "heapstash/cmd/heapstash/engine", "heapstash/heapster/heapsim"}},
		"heapstash/cmd/heapstash/doctor":   {ours: []string{"heapstash/schema", "heapstash/heapster", "heapstash/archive", "heapstash/cmd/heapstash/engine", "heapstash/cmd/heapstash/show"}},
		"heapstash/cmd/heapstash/export":   {ours: []string{"heapstash/schema", "heapstash/archive"}},
		"heapstash/cmd/heapstash/cookbook": {ours: []string{"heapstash/schema"}},
		"heapstash/cmd/heapstash/prompt":   {},
		"heapstash/cmd/heapstash":          {ours: []string{"heapstash/"}, libraries: []string{"github.com/spf13/", "github.com/robfig/cron/", "github.com/prometheus/", "github.com/guptarohit/asciigraph"}},
	}
	for _, p := range listPackages(t) {
		rule, ok := rules[p.ImportPath]
		if !ok {
			t.Errorf("package %s has no rule here: where does it stand?", p.ImportPath)
			continue
		}
		for _, path := range p.Imports {
			if strings.HasPrefix(path, "heapstash/") && !hasAnyPrefix(path, rule.ours) {
				t.Errorf("%s imports %s", p.ImportPath, path)
			}
			if p.ImportPath == "heapstash/schema" && strings.Contains(path, ".") {
				t.Errorf("schema imports %s: the standard library only", path)
			}
			for owner, other := range rules {
				if owner != p.ImportPath && hasAnyPrefix(path, other.libraries) && !hasAnyPrefix(path, rule.libraries) {
					t.Errorf("%s imports %s, which is %s's", p.ImportPath, path, owner)
				}
			}
		}
	}
}

// TestFilesSpeakToTheirOwnLibrary: within cmd, one file knows viper.
func TestFilesSpeakToTheirOwnLibrary(t *testing.T) {
	out, err := exec.Command("grep", "-l", `"github.com/spf13/viper"`, "-r", ".", "--include=*.go", "--exclude=*_test.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	if files := strings.Fields(string(out)); !slices.Equal(files, []string{"./config.go"}) {
		t.Errorf("viper is imported by %v, not by config.go alone", files)
	}
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "heapstash/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func hasAnyPrefix(s string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(s, prefix) })
}
