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
	rules := map[string]importRule{
		"heapstash/schema":                {},
		"heapstash/internal/need":         {},                                     // imported by tests only, which this does not look at
		"heapstash/heapster/heapstertest": {ours: []string{"heapstash/heapster"}}, // the same
		"heapstash/heapster/wire":         {ours: []string{"heapstash/schema"}, libraries: []string{"github.com/go-json-experiment/"}},
		"heapstash/heapster/failure":      {ours: []string{"heapstash/schema", "heapstash/heapster/wire"}},
		"heapstash/heapster":              {ours: []string{"heapstash/schema", "heapstash/heapster/wire", "heapstash/heapster/failure"}},
		"heapstash/heapster/heapsim":      {ours: []string{"heapstash/schema", "heapstash/heapster/wire"}},
		"heapstash/heapster/kube":         {ours: []string{"heapstash/schema", "heapstash/heapster", "heapstash/heapster/failure", "heapstash/heapster/wire"}, libraries: []string{"k8s.io/"}},
		"heapstash/archive/sqlite/pages":       {},
		"heapstash/archive/sqlite/strict":        {libraries: []string{"github.com/mattn/go-sqlite3"}},
		"heapstash/archive/query":         {ours: []string{"heapstash/schema"}},
		"heapstash/archive":               {ours: []string{"heapstash/schema", "heapstash/archive/sqlite/pages", "heapstash/archive/sqlite/strict", "heapstash/archive/query"}, libraries: []string{"github.com/mattn/go-sqlite3"}},
		"heapstash/archive/collect":       {ours: []string{"heapstash/schema"}},
	}
	for line := range strings.Lines(commandRules) {
		name, ours, _ := strings.Cut(strings.TrimSpace(line), ":")
		ours, libraries, _ := strings.Cut(ours, ";")
		var rule importRule
		for _, path := range strings.Fields(ours) {
			rule.ours = append(rule.ours, "heapstash/"+strings.Replace(path, "cmd/", "cmd/heapstash/", 1))
		}
		rule.libraries = strings.Fields(libraries)
		rules[strings.TrimSuffix("heapstash/"+strings.Replace(name, "cmd/", "cmd/heapstash/", 1), "/")] = rule
	}
	for _, p := range listPackages(t) {
		rule, ok := rules[p.ImportPath]
		if !ok {
			t.Errorf("package %s has no rule here: where does it stand?", p.ImportPath)
			continue
		}
		for _, path := range p.Imports {
			if strings.HasPrefix(path, "heapstash/") && !slices.Contains(rule.ours, path) && p.ImportPath != "heapstash/cmd/heapstash" {
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

type importRule struct{ ours, libraries []string }

// commandRules are the rules of the packages of the commands: the package, what of
// ours it may import, and after a semicolon the libraries. Package main may import
// all of them; cmd/engine is the only one that sees an engine.
const commandRules = `cmd/guess:
cmd/build:
cmd/prompt:
cmd/show:     schema cmd/guess; github.com/jedib0t/go-pretty/
cmd/schedule: ; github.com/robfig/cron/
cmd/flags:    schema; github.com/spf13/
cmd/config:   schema heapster heapster/wire archive archive/collect cmd/flags cmd/schedule cmd/guess cmd/show; github.com/spf13/ github.com/go-viper/
cmd/engine:   schema archive cmd/config
cmd/access:   schema heapster heapster/failure heapster/kube cmd/config cmd/build
cmd/passes:   schema heapster heapster/kube archive/collect cmd/access cmd/build cmd/config cmd/engine cmd/schedule cmd/show; github.com/prometheus/
cmd/ask:      schema archive/query cmd/engine cmd/flags cmd/guess cmd/show; github.com/guptarohit/asciigraph github.com/spf13/ github.com/jedib0t/go-pretty/
cmd/top:      schema archive/query cmd/ask cmd/engine cmd/flags cmd/show; github.com/spf13/
cmd/complete: schema archive/query cmd/ask cmd/config cmd/engine cmd/show; github.com/spf13/
cmd/sqlshell: schema cmd/complete cmd/engine cmd/guess cmd/prompt cmd/show cmd/usage; github.com/spf13/
cmd/cookbook: schema archive/query cmd/ask cmd/engine cmd/flags cmd/show cmd/sqlshell; github.com/spf13/
cmd/status:   schema archive cmd/config cmd/engine cmd/flags cmd/show
cmd/doctor:   schema heapster heapster/failure heapster/kube archive cmd/access cmd/build cmd/config cmd/engine cmd/schedule cmd/show
cmd/demo:     schema heapster/heapsim cmd/ask cmd/config cmd/engine cmd/passes cmd/show cmd/sqlshell; github.com/spf13/ github.com/jedib0t/go-pretty/
cmd/usage:    schema cmd/guess cmd/show; github.com/spf13/
cmd/export:   schema archive
cmd/:         ; github.com/spf13/ github.com/jedib0t/go-pretty/
`

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
