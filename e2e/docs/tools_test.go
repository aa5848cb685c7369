package docs

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"heapstash/internal/need"
)

// TestPandas runs the page's Python with Debian's python3-pandas.
func TestPandas(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "tools.md"))
	if err != nil {
		t.Fatal(err)
	}
	snippet, is := block(then(string(text)), "python")
	if !is {
		t.Fatal("there is no Python")
	}
	dir := t.TempDir()
	if err := os.Symlink(archived(t), filepath.Join(dir, "heapstash.db")); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("/usr/bin/python3", "-c", "import pandas")
	if command.Run() != nil {
		need.Skip(t, errors.New("pandas is not installed"))
	}
	command = exec.Command("/usr/bin/python3", "-c", snippet)
	command.Dir = dir
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v (Debian has pandas in the package python3-pandas)\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 5 || !strings.Contains(lines[0], "kube-system") || !strings.HasPrefix(lines[4], "2018-07-02") {
		t.Errorf("it prints\n%s", out)
	}
	average := shell(t, `SELECT round(avg(mib)) FROM (SELECT memory_usage_avg / 1048576 AS mib FROM namespace_daily
		WHERE namespace = 'shop' AND ts > unixepoch('2018-06-18') AND ts <= unixepoch('2018-06-25'))`)
	if want := strings.TrimSpace(average); !strings.Contains(lines[3], want) || !strings.HasPrefix(lines[3], "2018-06-25") {
		t.Errorf("SQL has %s for the week to 2018-06-25, pandas\n%s", want, lines[3])
	}
}

// TestLitestream: the example has only settings of Litestream 0.5.
func TestLitestream(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy", "litestream", "litestream.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		DBs []struct {
			Path               string        `yaml:"path"`
			MonitorInterval    time.Duration `yaml:"monitor-interval"`
			CheckpointInterval time.Duration `yaml:"checkpoint-interval"`
			BusyTimeout        time.Duration `yaml:"busy-timeout"`
			MinCheckpointPageN int           `yaml:"min-checkpoint-page-count"`
			Replica            struct {
				URL string `yaml:"url"`
			} `yaml:"replica"`
		} `yaml:"dbs"`
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&config); err != nil {
		t.Fatal(err)
	}
	if len(config.DBs) != 1 || config.DBs[0].Path == "" || config.DBs[0].Replica.URL == "" {
		t.Errorf("%+v", config)
	}
}
