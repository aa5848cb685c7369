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

// TestImportGraph checks the imports of all packages: cmd is on top, heapster and archive
// do not see each other, and schema imports no other package.
func TestImportGraph(t *testing.T) {
	rules := make(map[string]importRule)
	for line := range strings.Lines(importRules) {
		name, ours, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		ours, libraries, _ := strings.Cut(ours, ";")
		rule := importRule{libraries: strings.Fields(libraries)}
		for _, path := range strings.Fields(ours) {
			rule.ours = append(rule.ours, inFull(path))
		}
		rules[inFull(name)] = rule
	}
	for _, p := range listPackages(t) {
		rule, ok := rules[p.ImportPath]
		if !ok {
			t.Errorf("package %s has no rule here: where does it stand?", p.ImportPath)
			continue
		}
		for _, path := range p.Imports {
			if strings.HasPrefix(path, "heapstash/") && !slices.Contains(rule.ours, path) {
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

// importRules are a line a package: the package, what of ours it may import, and
// after a semicolon the libraries that only packages with the same library here
// import. "sqlite" is archive/sqlite, "cmd" is cmd/heapstash. Only tests import
// internal/need, heapster/heapstertest, archive/archivetest and
// archive/query/querytest, and the test ignores imports of tests.
const importRules = `
schema:
internal/need:

heapster/wire:         schema; github.com/go-json-experiment/
heapster/failure:      schema heapster/wire
heapster:              schema heapster/wire heapster/failure
heapster/heapsim:      schema heapster/wire
heapster/kube:         schema heapster heapster/wire heapster/failure; k8s.io/
heapster/heapstertest: heapster heapster/heapsim

archive:         schema
archive/collect/timeline:     schema archive
archive/collect/metricexport: schema
archive/collect/fetch:        schema
archive/collect/plan:         schema archive archive/collect/timeline archive/collect/fetch
archive/collect:              schema archive archive/collect/timeline archive/collect/metricexport archive/collect/fetch archive/collect/plan
archive/query:   schema archive
archive/query/querytest: schema archive archive/query
archive/archivetest:     schema archive archive/query archive/query/querytest archive/collect
archive/lake:    schema archive; github.com/parquet-go/
archive/export:  schema archive archive/lake
archive/transfer: schema archive archive/collect

sqlite/strict: ; github.com/mattn/go-sqlite3
sqlite/pages:
sqlite/dbfile: schema archive sqlite/pages
sqlite/tables: schema archive
sqlite/conn:   schema archive sqlite/pages sqlite/dbfile sqlite/tables sqlite/strict; github.com/mattn/go-sqlite3 database/sql
sqlite/read:   schema archive archive/transfer sqlite/conn sqlite/dbfile sqlite/tables sqlite/pages; github.com/mattn/go-sqlite3 database/sql
sqlite/answer: schema archive archive/query sqlite/conn sqlite/tables; database/sql
sqlite/check:  schema archive sqlite/conn sqlite/dbfile sqlite/tables; github.com/mattn/go-sqlite3 database/sql
sqlite/upkeep: schema archive sqlite/conn sqlite/dbfile sqlite/tables sqlite/read; database/sql
sqlite/repair: schema archive sqlite/conn sqlite/dbfile sqlite/tables sqlite/pages sqlite/check; github.com/mattn/go-sqlite3 database/sql
sqlite:        schema archive archive/query archive/transfer sqlite/answer sqlite/conn sqlite/dbfile sqlite/tables sqlite/read sqlite/check sqlite/upkeep; database/sql

archive/clickhouse: schema archive archive/query archive/transfer archive/clickhouse/answer archive/clickhouse/conn archive/clickhouse/read archive/clickhouse/rows archive/clickhouse/tables; github.com/ClickHouse/
archive/clickhouse/tables: schema
archive/clickhouse/conn: schema archive archive/clickhouse/tables; github.com/ClickHouse/
archive/clickhouse/rows: schema archive/clickhouse/conn archive/clickhouse/tables; github.com/ClickHouse/
archive/clickhouse/read: schema archive archive/clickhouse/conn archive/clickhouse/rows archive/clickhouse/tables; github.com/ClickHouse/
archive/clickhouse/answer: schema archive archive/query archive/clickhouse/rows archive/clickhouse/tables; github.com/ClickHouse/
archive/clickhouse/answertest: schema archive archive/archivetest archive/query archive/query/querytest archive/clickhouse archive/clickhouse/conn archive/clickhouse/tables; github.com/ClickHouse/
archive/clickhouse/clickhousetest: internal/need; github.com/ClickHouse/

cmd/guess:
cmd/build:
cmd/prompt:
cmd/show:     schema archive cmd/guess; github.com/jedib0t/go-pretty/ github.com/prometheus/common/model
cmd/schedule: schema; github.com/robfig/cron/
cmd/flags:    schema archive archive/query cmd/show; github.com/spf13/pflag github.com/prometheus/common/model
cmd/config:   schema heapster heapster/wire archive archive/collect cmd/flags cmd/schedule cmd/guess cmd/show; github.com/spf13/pflag github.com/spf13/viper github.com/go-viper/
cmd/engine:   schema archive archive/clickhouse archive/clickhouse/conn archive/clickhouse/read archive/clickhouse/rows archive/clickhouse/tables archive/collect archive/lake archive/query archive/transfer sqlite sqlite/conn sqlite/dbfile sqlite/tables sqlite/read sqlite/check sqlite/upkeep sqlite/repair cmd/config
cmd/access:   schema heapster heapster/failure heapster/kube cmd/config cmd/build
cmd/passes:   schema archive heapster heapster/kube archive/collect cmd/access cmd/build cmd/config cmd/engine cmd/schedule cmd/show; github.com/prometheus/
cmd/ask:      schema archive archive/query cmd/guess cmd/show; github.com/guptarohit/asciigraph
cmd/top:      schema archive archive/query cmd/ask cmd/show
cmd/complete: schema archive/query cmd/ask cmd/config cmd/engine cmd/show; github.com/spf13/cobra
cmd/sqlshell: schema archive cmd/engine cmd/guess cmd/prompt cmd/show
cmd/cookbook: schema archive/query cmd/ask cmd/engine cmd/show
cmd/cookbook/cookbooktest: schema archive archive/clickhouse archive/clickhouse/conn archive/clickhouse/tables archive/collect sqlite sqlite/upkeep cmd/cookbook cmd/engine
cmd/status:   schema archive cmd/config cmd/show
cmd/doctor:   schema heapster heapster/failure heapster/kube archive archive/lake cmd/access cmd/build cmd/config cmd/engine cmd/schedule cmd/show
cmd/demo:     schema archive archive/collect heapster/heapsim archive/query cmd/ask cmd/config cmd/engine cmd/passes cmd/show cmd/sqlshell
cmd/usage:    schema cmd/guess cmd/show; github.com/spf13/cobra github.com/spf13/pflag
cmd:          archive archive/export archive/lake archive/query archive/transfer cmd/access cmd/ask cmd/build cmd/complete cmd/config cmd/cookbook cmd/demo cmd/doctor cmd/engine cmd/flags cmd/guess cmd/passes cmd/schedule cmd/show cmd/sqlshell cmd/status cmd/top cmd/usage schema; github.com/spf13/cobra github.com/spf13/pflag
`

// inFull returns the import path of a package in the rules.
func inFull(name string) string {
	for short, long := range map[string]string{"sqlite": "archive/sqlite", "cmd": "cmd/heapstash"} {
		if name == short || strings.HasPrefix(name, short+"/") {
			return "heapstash/" + long + strings.TrimPrefix(name, short)
		}
	}
	return "heapstash/" + name
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
