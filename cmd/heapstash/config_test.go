package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"heapstash/archive/collect"
	"heapstash/schema"
)

// load gathers the settings as `heapstash run` does.
func load(t *testing.T, args ...string) (Config, error) {
	t.Helper()
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	flags.String("config", "", "")
	addSettings(flags, commonFlags, accessFlags, passFlags, partialFlags, residentFlags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return loadConfig(flags)
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "heapstash.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestExampleEqualsDefault(t *testing.T) {
	const example = "../../config.example.yaml"
	got, err := load(t, "--config", example)
	if err != nil {
		t.Fatal(err)
	}
	if want := Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("config.example.yaml gives\n%+v\nbut Default is\n%+v", got, want)
	}

	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSources(pflag.NewFlagSet("", pflag.ContinueOnError))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range s.keys {
		_, leaf, nested := strings.Cut(key, ".")
		line := "\n" + key + ":"
		if nested {
			line = "\n  " + leaf + ":"
		}
		if !strings.Contains("\n"+string(text), line) {
			t.Errorf("config.example.yaml does not name %s", key)
		}
	}
}

// Every setting at the top has its flag on some command, and the flag's
// default is the setting's. Those of a section have none.
func TestEverySettingHasAFlag(t *testing.T) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	root := newRootCommand(streams{})
	flags.AddFlagSet(root.PersistentFlags())
	for _, cmd := range root.Commands() {
		flags.AddFlagSet(cmd.Flags())
	}
	s, err := newSources(flags)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range s.keys {
		f := settingFlag(flags, key)
		if strings.Contains(key, ".") {
			if f != nil {
				t.Errorf("%s has a flag", key)
			}
			continue
		}
		if f == nil {
			t.Errorf("%s has no flag", key)
			continue
		}
		got, err := load(t, "--"+f.Name+"="+strings.Trim(f.DefValue, "[]"))
		if err != nil {
			t.Errorf("--%s with its default: %v", f.Name, err)
		} else if !reflect.DeepEqual(got, Default()) {
			t.Errorf("--%s=%s changes the default", f.Name, f.DefValue)
		}
	}
}

func TestPrecedence(t *testing.T) {
	file := writeConfig(t, "tries: 4\nconcurrency: 4\ntimeout: 4s\nnamespace: [a, b]\nheapster_port: 80\n")
	t.Setenv("HEAPSTASH_COLLECT_CONTAINERS", "export")
	t.Setenv("HEAPSTASH_CONCURRENCY", "5")
	t.Setenv("HEAPSTASH_TIMEOUT", "5s")
	t.Setenv("HEAPSTASH_EXCLUDE_NAMESPACE", "kube-*, test")
	t.Setenv("HEAPSTASH_LISTEN", "")
	t.Setenv("HEAPSTASH_PARTIAL_OK", "true")
	t.Setenv("HEAPSTASH_KINDS", "node,pod")
	t.Setenv("HEAPSTASH_LOG_LEVEL", "debug")
	t.Setenv("HEAPSTASH_CONFIG", file)

	got, err := load(t, "--timeout", "6s")
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Tries = 4
	want.Concurrency = 5
	want.Timeout = 6 * time.Second
	want.Namespaces = []string{"a", "b"}
	want.ExcludeNamespaces = []string{"kube-*", "test"}
	want.HeapsterPort = "80"
	want.Listen = ""
	want.PartialOK = true
	want.Kinds = []schema.Kind{schema.Node, schema.Pod}
	want.Collect.Containers = collect.ContainersExport
	want.LogLevel = slog.LevelDebug
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// A flag that is no setting keeps its own meaning, whatever the environment
// says about a setting of that name.
func TestForeignFlag(t *testing.T) {
	flags := pflag.NewFlagSet("sql", pflag.ContinueOnError)
	flags.Duration("timeout", time.Hour, "of the query")
	if err := flags.Parse([]string{"--timeout", "2h"}); err != nil {
		t.Fatal(err)
	}
	cfg, err := loadConfig(flags)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Timeout != Default().Timeout {
		t.Errorf("timeout is %v", cfg.Timeout)
	}
}

func TestBadFiles(t *testing.T) {
	tests := []struct {
		name string
		file string
		want []string // the faults, in any order
	}{
		{"misspelt", "tiemout: 5s", []string{"tiemout: no such setting; did you mean timeout?"}},
		{"misspelt without a value", "tiemout:", []string{"tiemout: no such setting; did you mean timeout?"}},
		{"dotted", "log.level: info", []string{"log.level: no such setting; did you mean log_level?"}},
		{"nested", "archive:\n  x: 1", []string{"archive.x: no such setting"}},
		{"bare seconds", "timeout: 60", []string{"timeout: 60 has no unit: write 60s"}},
		{"bare seconds as text", `timeout: "60"`, []string{"timeout: 60 has no unit: write 60s"}},
		{"bare zero", "retry_lock: 0", []string{"retry_lock: 0 has no unit: write 0s"}},
		{"no duration", "timeout: soon", []string{`timeout: "soon" is no duration: write 500ms, 10s or 1m30s`}},
		{"map for a duration", "timeout: {a: 1}", []string{"timeout: map[a:1] is no duration: write 500ms, 10s or 1m30s"}},
		{"too short", "timeout: 1ms", []string{"timeout: 1ms is too short: at least 100ms"}},
		{"negative wait", "retry_lock: -1s", []string{"retry_lock: -1s is negative"}},
		{"fraction", "tries: 3.7", []string{"tries: 3.7 is no whole number"}},
		{"bool for a number", "tries: true", []string{"tries: true is no whole number"}},
		{"no tries", "tries: 0", []string{"tries: 0 is out of range: 1 to 10"}},
		{"number for a bool", "partial_ok: 2", []string{"partial_ok: 2 is neither true nor false"}},
		{"bool for text", "cluster_name: true", []string{"cluster_name: true is no text: put it in quotes"}},
		{"empty name", `cluster_name: " "`, []string{"cluster_name: must not be empty"}},
		{"no file", `db_file: ""`, []string{"db_file: must name a file"}},
		{"level", "log_level: loud", []string{`log_level: "loud" is none of debug, info, warn, error`}},
		{"format", "log_format: xml", []string{`log_format: "xml" is none of auto, text, json`}},
		{"no URL", "heapster_url: localhost:8082", []string{`heapster_url: "localhost:8082" is no URL: write http://host:port or https://host/path`}},
		{"two ways in", "heapster_url: http://h\nkubeconfig: k\ncontext: c\nserver: http://s", []string{
			"kubeconfig: conflicts with heapster_url, which is a way in of its own: give one of the two",
			"context: conflicts with heapster_url, which is a way in of its own: give one of the two",
			"server: conflicts with heapster_url, which is a way in of its own: give one of the two",
		}},
		{"certificate without a URL", "ca_file: ca.crt", []string{"ca_file: goes with heapster_url only: a kubeconfig has its own"}},
		{"certificate without a key", "heapster_url: https://h\nclient_cert_file: c", []string{"client_cert_file: needs client_key_file beside it"}},
		{"scheme", "heapster_scheme: ftp", []string{`heapster_scheme: "ftp" is none of http, https`}},
		{"port", "heapster_port: 70000", []string{"heapster_port: 70000 is out of range: 1 to 65535"}},
		{"proxy path", "heapster_proxy_path: old", []string{`heapster_proxy_path: "old" is none of auto, modern, legacy`}},
		{"glob", `namespace: [ok, "a["]`, []string{`namespace[1]: "a[" is no glob: write a name, or a pattern with * ? [a-z]`}},
		{"unknown kind", "kinds: [pods]", []string{`kinds[0]: unknown kind "pods": use one of cluster, node, namespace, pod, container, system_container`}},
		{"no kinds", "kinds: []", []string{"kinds: must name at least one: cluster, node, namespace, pod, container, system_container"}},
		{"containers", "collect: {containers: some}", []string{`collect.containers: "some" is none of full, export, off`}},
		{"budget", "collect: {budget: 45}", []string{"collect.budget: 45 has no unit: write 45s"}},
		{"nothing to enrich from", "heapster_url: http://h\ncollect: {enrich: true}", []string{
			"collect.enrich: needs the Kubernetes API, which heapster_url leads past: take another way in, or leave it false"}},
		{"misspelt below", "collect: {contaners: off}", []string{"collect.contaners: no such setting; did you mean collect.containers?"}},
		{"number for a list", "kinds: 5", []string{"kinds: 5 is no list"}},
		{"schedule", "schedule: hourly", []string{`schedule: "hourly" is no schedule: write @every 1m, or the five fields of cron`}},
		{"schedule in a zone", "schedule: TZ=Asia/Tokyo", []string{"schedule: a time zone is not allowed: times are UTC"}},
		{"schedule backwards", "schedule: '@every -5m'", []string{`schedule: "@every -5m" is too often: at least @every 1s`}},
		{"schedule that never comes", "schedule: 0 0 31 2 *", []string{`schedule: "0 0 31 2 *" never comes`}},
		{"listen", "listen: 9278", []string{`listen: "9278" is no address: write 127.0.0.1:9278, :9278, or nothing at all`}},
		{"flag only", "accept_new_nodes: true", []string{"accept_new_nodes: no such setting"}},
		{"three at once", "tiemout: 5s\ntries: many\nlog_format: xml", []string{
			"tiemout: no such setting; did you mean timeout?",
			`tries: "many" is no whole number`,
			`log_format: "xml" is none of auto, text, json`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := writeConfig(t, test.file)
			_, err := load(t, "--config", file)
			if err == nil {
				t.Fatal("no fault was found")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Errorf("%d faults, want %d", len(lines), len(test.want))
			}
			for _, want := range test.want {
				if want += " (from " + file + ")"; !strings.Contains("\n"+err.Error()+"\n", "\n"+want+"\n") {
					t.Errorf("got\n%v\nwithout\n%s", err, want)
				}
			}
		})
	}
}

func TestUnreadableFiles(t *testing.T) {
	for name, test := range map[string]struct{ file, want string }{
		"missing":   {filepath.Join(t.TempDir(), "none.yaml"), "no config file "},
		"directory": {t.TempDir(), "is a directory"},
		"no YAML":   {writeConfig(t, "tries: [1"), "yaml: "},
		"text":      {writeConfig(t, "hello"), "yaml: "},
		"twice":     {writeConfig(t, "tries: 1\ntries: 2"), "already defined"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, "--config", test.file)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestOrigins(t *testing.T) {
	t.Setenv("HEAPSTASH_TRIES", "0")
	_, err := load(t, "--concurrency", "0", "--heapster-url", "http://h", "--server", "http://s")
	const want = "server: conflicts with heapster_url, which is a way in of its own: give one of the two (from --server)\n" +
		"tries: 0 is out of range: 1 to 10 (from HEAPSTASH_TRIES)\n" +
		"concurrency: 0 is out of range: 1 to 64 (from --concurrency)"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestDefaultIsValid(t *testing.T) {
	if found := Default().Validate(); len(found) > 0 {
		t.Error(found)
	}
}
