package config

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/schema"
)

func TestMain(m *testing.M) {
	os.Setenv(envPrefix+"_CONFIG", "") // not the machine's own
	os.Exit(m.Run())
}

// load gathers the settings as `heapstash run` does.
func load(t *testing.T, args ...string) (Config, error) {
	t.Helper()
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	flags.String("config", "", "")
	AddFlags(flags, CommonFlags, AccessFlags, PassFlags, LockFlags, OnceFlags, ResidentFlags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Load(flags, io.Discard)
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
	const example = "../../../config.example.yaml"
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
	for _, key := range Keys() {
		section := strings.LastIndex(key, ".") + 1
		line := "\n" + strings.Repeat("  ", strings.Count(key, ".")) + key[section:] + ":"
		if !strings.Contains("\n"+string(text), line) {
			t.Errorf("config.example.yaml does not name %s", key)
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

// The archive is what the flags name, else the environment, else the file.
func TestArchive(t *testing.T) {
	const server = "clickhouse://u@h1:9000,h2:9000/d?cluster=c"
	for name, test := range map[string]struct {
		file      string
		variables map[string]string
		args      []string
		db, url   string
		fault     string // of --archive, or of the variable
	}{
		"default":               {"", nil, nil, "heapstash.db", "", ""},
		"file":                  {"", nil, []string{"--archive", "a.db"}, "a.db", "", ""},
		"file:":                 {"", nil, []string{"--archive", "file:a.db"}, "a.db", "", ""},
		"file://":               {"", nil, []string{"--archive", "file:///tmp/a.db"}, "/tmp/a.db", "", ""},
		"server":                {"", nil, []string{"--archive", server}, "", server, ""},
		"the example's db_file": {"db_file: heapstash.db\narchive: {url: '" + server + "'}", nil, nil, "", server, ""},
		"flag over file":        {"archive: {url: '" + server + "'}", nil, []string{"--db-file", "a.db"}, "a.db", "", ""},
		"variable over file":    {"db_file: a.db", map[string]string{"ARCHIVE_URL": server}, nil, "", server, ""},
		"flag over variable":    {"", map[string]string{"DB_FILE": "a.db"}, []string{"--archive", "b.db"}, "b.db", "", ""},
		"empty flag":            {"archive: {url: '" + server + "'}", nil, []string{"--archive", ""}, "heapstash.db", "", ""},
		"the same twice":        {"", nil, []string{"--archive", "./a.db", "--db-file", "a.db"}, "./a.db", "", ""},
		"two files":             {"", nil, []string{"--archive", "a.db", "--db-file", "b.db"}, "", "", "conflicts with db_file, which names another archive: give one of the two (from --archive)"},
		"file and server":       {"", map[string]string{"ARCHIVE_URL": server, "DB_FILE": "heapstash.db"}, nil, "", "", "(from HEAPSTASH_ARCHIVE_URL)"},
		"two passwords":         {"archive: {password_file: f}", map[string]string{"ARCHIVE_PASSWORD": "forbidden"}, nil, "", "", "archive.password_file: conflicts with the variable HEAPSTASH_ARCHIVE_PASSWORD"},
		"password in a flag":    {"", nil, []string{"--archive", "clickhouse://u:forbidden@h/d"}, "", "", "must not have a password"},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range test.variables {
				t.Setenv("HEAPSTASH_"+name, value)
			}
			got, err := load(t, append(test.args, "--config", writeConfig(t, test.file))...)
			if test.fault != "" {
				if err == nil || !strings.Contains(err.Error(), test.fault) || strings.Contains(err.Error(), "forbidden") {
					t.Errorf("got %v, want %s", err, test.fault)
				}
				return
			}
			if err != nil || got.DBFile != test.db || got.Archive.URL != test.url {
				t.Errorf("got %q, %q, %v; want %q, %q", got.DBFile, got.Archive.URL, err, test.db, test.url)
			}
		})
	}
}

// The password comes from the environment or a file, and is never printed.
func TestArchivePassword(t *testing.T) {
	t.Setenv("HEAPSTASH_ARCHIVE_PASSWORD", "forbidden")
	cfg, err := load(t)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := cfg.Archive.ReadPassword(); got != "forbidden" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if encoded, err := json.Marshal(cfg.Archive.Password); err != nil || strings.Contains(fmt.Sprintf("%v %+v %#v %s", cfg, cfg, cfg, encoded), "forbidden") {
		t.Errorf("the password is printed: %#v, %v", cfg.Archive, err)
	}
	if err := CheckEnvironment(io.Discard); err != nil {
		t.Error(err)
	}
	cfg.Archive.PasswordFile = writeConfig(t, "from a file\r\n")
	if got, err := cfg.Archive.ReadPassword(); got != "from a file" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	cfg.Archive.PasswordFile += ".none"
	if _, err := cfg.Archive.ReadPassword(); err == nil || schema.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
}

// A list replaces its default, even if it is empty.
func TestListReplacesItsDefault(t *testing.T) {
	tests := map[string]struct {
		file     string
		variable []string // none or one
		args     []string
		want     []string
	}{
		"file":           {"exclude_pod: [a/b]", nil, nil, []string{"a/b"}},
		"longer file":    {"exclude_pod: [a/b, c/d]", nil, nil, []string{"a/b", "c/d"}},
		"empty file":     {"exclude_pod: []", nil, nil, []string{}},
		"variable":       {"", []string{"a/b,c/d"}, nil, []string{"a/b", "c/d"}},
		"empty variable": {"exclude_pod: [a/b]", []string{""}, nil, []string{}},
		"flags":          {"", []string{"a/b"}, []string{"--exclude-pod=*/c-*", "--exclude-pod=d/e"}, []string{"*/c-*", "d/e"}},
		"empty flag":     {"", []string{"a/b"}, []string{"--exclude-pod="}, []string{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, value := range test.variable {
				t.Setenv("HEAPSTASH_EXCLUDE_POD", value)
			}
			got, err := load(t, append(test.args, "--config", writeConfig(t, test.file))...)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.ExcludePods, test.want) {
				t.Errorf("got %q, want %q", got.ExcludePods, test.want)
			}
		})
	}
}

// A flag that is not a setting keeps its meaning, whatever the environment says about a
// setting of the same name.
func TestForeignFlag(t *testing.T) {
	flags := pflag.NewFlagSet("sql", pflag.ContinueOnError)
	flags.Duration("timeout", time.Hour, "of the query")
	if err := flags.Parse([]string{"--timeout", "2h"}); err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(flags, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Timeout != Default().Timeout {
		t.Errorf("timeout is %v", cfg.Timeout)
	}
}

const noPodGlob = "is not a glob of pods: write NAMESPACE/POD, such as shop/debug-* or */debug-*, each half a name or a pattern with * ? [a-z]"

func TestBadFiles(t *testing.T) {
	tests := []struct {
		name string
		file string
		want []string // the faults, in any order
	}{
		{"misspelt", "tiemout: 5s", []string{"tiemout: no such setting; did you mean timeout?"}},
		{"misspelt without a value", "tiemout:", []string{"tiemout: no such setting; did you mean timeout?"}},
		{"dotted", "log.level: info", []string{"log.level: no such setting; did you mean log_level?"}},
		{"nested", "shelves:\n  x: 1", []string{"shelves.x: no such setting"}},
		{"bare seconds", "timeout: 60", []string{"timeout: 60 has no unit: write 60s"}},
		{"bare seconds as text", `timeout: "60"`, []string{"timeout: 60 has no unit: write 60s"}},
		{"bare zero", "retry_lock: 0", []string{"retry_lock: 0 has no unit: write 0s"}},
		{"no duration", "timeout: soon", []string{`timeout: "soon" is not a duration: write 500ms, 10s or 1m30s`}},
		{"map for a duration", "timeout: {a: 1}", []string{"timeout: map[a:1] is not a duration: write 500ms, 10s or 1m30s"}},
		{"too short", "timeout: 1ms", []string{"timeout: 1ms is too short: at least 100ms"}},
		{"negative wait", "retry_lock: -1s", []string{"retry_lock: -1s is negative"}},
		{"fraction", "tries: 3.7", []string{"tries: 3.7 is not a whole number"}},
		{"bool for a number", "tries: true", []string{"tries: true is not a whole number"}},
		{"no tries", "tries: 0", []string{"tries: 0 is out of range: 1 to 10"}},
		{"number for a bool", "partial_ok: 2", []string{"partial_ok: 2 is neither true nor false"}},
		{"bool for text", "cluster_name: true", []string{"cluster_name: true is not text: put it in quotes"}},
		{"empty name", `cluster_name: " "`, []string{"cluster_name: must not be empty"}},
		{"no file", `db_file: ""`, []string{"db_file: must name a file"}},
		{"no engine", "archive: {url: http://u:secret@h}", []string{
			`archive.url: "http" is not an engine: write a file, or clickhouse://user@host:9000/database`,
			"archive.url: must not have a password: put it in a file that archive.password_file names, or in the variable HEAPSTASH_ARCHIVE_PASSWORD"}},
		{"odd password", "archive: {url: 'clickhouse://u:s/e@c@h:9000/d'}", []string{
			"archive.url: must not have a password: put it in a file that archive.password_file names, or in the variable HEAPSTASH_ARCHIVE_PASSWORD"}},
		{"no host", "archive: {url: 'clickhouse:///d'}", []string{"archive.url: names no host: write clickhouse://user@host:9000/database"}},
		{"two archives", "db_file: a.db\narchive: {url: b.db}", []string{
			"archive.url: conflicts with db_file, which names another archive: give one of the two"}},
		{"lake without a file", "archive: {url: 'clickhouse://h/d', lake: lake}", []string{
			"archive.lake: is for an archive in a file, and ClickHouse deletes old raw samples without it: leave it empty, and write them to Parquet files with heapstash export --format parquet"}},
		{"size without a file", "archive: {url: 'clickhouse://h/d', max_size: 1GB}", []string{
			"archive.max_size: is for an archive in a file, and nothing keeps ClickHouse below it: leave it 0, and limit what is kept with archive.retention.raw"}},
		{"password in the file", "archive: {password: secret}", []string{"archive.password: no such setting; did you mean archive.password_file?"}},
		{"level", "log_level: loud", []string{`log_level: "loud" is none of debug, info, warn, error`}},
		{"format", "log_format: xml", []string{`log_format: "xml" is none of auto, text, json`}},
		{"no URL", "heapster_url: localhost:8082", []string{`heapster_url: "localhost:8082" is not a URL: write http://host:port or https://host/path`}},
		{"secrets in no URL", "heapster_url: https://user:p@ss@host?x", []string{`heapster_url: "...host?x" is not a URL: write http://host:port or https://host/path`}},
		{"secrets in no server", "server: ftp://u:p@@h", []string{`server: "...h" is not a URL: write http://host:port or https://host/path`}},
		{"two ways in", "heapster_url: http://h\nkubeconfig: k\ncontext: c\nserver: http://s", []string{
			"kubeconfig: conflicts with heapster_url: give one of the two",
			"context: conflicts with heapster_url: give one of the two",
			"server: conflicts with heapster_url: give one of the two",
		}},
		{"certificate without a URL", "ca_file: ca.crt", []string{"ca_file: goes with heapster_url only: a kubeconfig has its own"}},
		{"certificate without a key", "heapster_url: https://h\nclient_cert_file: c", []string{"client_cert_file: needs client_key_file beside it"}},
		{"scheme", "heapster_scheme: ftp", []string{`heapster_scheme: "ftp" is none of http, https`}},
		{"port", "heapster_port: 70000", []string{"heapster_port: 70000 is out of range: 1 to 65535"}},
		{"proxy path", "heapster_proxy_path: old", []string{`heapster_proxy_path: "old" is none of auto, modern, legacy`}},
		{"glob", `namespace: [ok, "a["]`, []string{`namespace[1]: "a[" is not a glob: write a name, or a pattern with * ? [a-z]`}},
		{"glob of a pod without its namespace", "exclude_pod: [debug-*]", []string{`exclude_pod[0]: "debug-*" ` + noPodGlob}},
		{"globs of pods", `exclude_pod: ["a/b/c", /p, n/, "n/[", "a\\/b", "*/p"]`, []string{
			`exclude_pod[0]: "a/b/c" ` + noPodGlob, `exclude_pod[1]: "/p" ` + noPodGlob, `exclude_pod[2]: "n/" ` + noPodGlob,
			`exclude_pod[3]: "n/[" ` + noPodGlob, `exclude_pod[4]: "a\\/b" ` + noPodGlob,
		}},
		{"file for another reader", "metrics_textfile: heapstash.txt", []string{
			`metrics_textfile: "heapstash.txt" does not end in .prom, and node_exporter reads no other file`}},
		{"unknown kind", "kinds: [pods]", []string{`kinds[0]: unknown kind "pods": use one of cluster, node, namespace, pod, container, system_container`}},
		{"no kinds", "kinds: []", []string{"kinds: must name at least one: cluster, node, namespace, pod, container, system_container"}},
		{"containers", "collect: {containers: some}", []string{`collect.containers: "some" is none of auto, full, export, off`}},
		{"deadline", "collect: {deadline: 10ms}", []string{"collect.deadline: 10ms is too short: at least 1s, or 0s for no bound"}},
		{"budget", "collect: {budget: 45}", []string{"collect.budget: 45 has no unit: write 45s"}},
		{"nothing to enrich from", "heapster_url: http://h\ncollect: {enrich: true}", []string{
			"collect.enrich: needs the Kubernetes API, which heapster_url leads past: take another way in, or leave it false"}},
		{"size without a unit", "archive: {min_free: 64}", []string{"archive.min_free: 64 has no unit: write 64MiB"}},
		{"no size", "archive: {min_free: a lot}", []string{`archive.min_free: "a lot" is not a size: write 64MiB, 1.5GB or 0`}},
		{"negative size", "archive: {min_free: -1MB}", []string{`archive.min_free: "-1MB" is not a size: write 64MiB, 1.5GB or 0`}},
		{"mode as a number", "archive: {mode: 0640}", []string{`archive.mode: 416 is not a file mode: write it in octal and in quotes, as "0640"`}},
		{"mode for all to write", `archive: {mode: "0666"}`, []string{
			`archive.mode: "0666" will not do: "0600", with "0640" and "0660" for a group, and "0644" for all to read`}},
		{"mode for nobody", `archive: {mode: "0440"}`, []string{
			`archive.mode: "0440" will not do: "0600", with "0640" and "0660" for a group, and "0644" for all to read`}},
		{"retention without a unit", "archive: {retention: {raw: 90}}", []string{"archive.retention.raw: 90 has no unit: write 90d"}},
		{"retention of nothing", `archive: {retention: {raw: ""}}`, []string{"archive.retention.raw: is empty: write 0s to keep all for ever"}},
		{"no retention", "archive: {retention: {raw: a while}}", []string{`archive.retention.raw: "a while" is not a length of time: write 36h, 90d, 8w or 2y`}},
		{"retention beyond all measure", "archive: {retention: {raw: 999y}}", []string{`archive.retention.raw: "999y" is not a length of time: write 36h, 90d, 8w or 2y`}},
		{"retention of no kind", "archive: {retention: {raw: [90d, pods=1d]}}", []string{
			`archive.retention.raw: unknown kind "pods": use one of cluster, node, namespace, pod, container, system_container`}},
		{"retention twice", `archive: {retention: {raw: "90d, pod=1y, pod=2y"}}`, []string{`archive.retention.raw: "pod=2y": the same kind has another time`}},
		{"retention too short", `archive: {retention: {raw: "1h59m, pod=-1h"}}`, []string{
			"archive.retention.raw: 1h59m is too short: at least 2h, or 0s for ever",
			"archive.retention.raw: -1h is too short: at least 2h, or 0s for ever"}},
		{"hours too short", `archive: {retention: {raw: 2h, hourly: 47h}}`, []string{
			"archive.retention.hourly: 1d23h is too short: at least 2d, or 0s for ever"}},
		{"hours shorter than samples", `archive: {retention: {raw: "30d,pod=90d", hourly: 60d}}`, []string{
			"archive.retention.hourly: keeps 60d of pod, and archive.retention.raw 90d: it must keep as much at least"}},
		{"days shorter than hours", `archive: {retention: {raw: 30d, daily: 1y}}`, []string{
			"archive.retention.daily: keeps 1y of cluster, and archive.retention.hourly everything: it must keep as much at least"}},
		{"misspelt below", "collect: {contaners: off}", []string{"collect.contaners: no such setting; did you mean collect.containers?"}},
		{"number for a list", "kinds: 5", []string{"kinds: 5 is not a list"}},
		{"schedule", "schedule: hourly", []string{`schedule: "hourly" is not a schedule: write @every 1m, or the five fields of cron`}},
		{"schedule in a zone", "schedule: TZ=Asia/Tokyo", []string{"schedule: a time zone is not allowed: times are UTC"}},
		{"schedule backwards", "schedule: '@every -5m'", []string{`schedule: "@every -5m" is too often: at least @every 1s`}},
		{"schedule that never comes", "schedule: 0 0 31 2 *", []string{`schedule: "0 0 31 2 *" never comes`}},
		{"listen", "listen: 9278", []string{`listen: "9278" is not an address: write 127.0.0.1:9278, :9278, or nothing at all`}},
		{"flag only", "accept_new_nodes: true", []string{"accept_new_nodes: no such setting"}},
		{"three at once", "tiemout: 5s\ntries: many\nlog_format: xml", []string{
			"tiemout: no such setting; did you mean timeout?",
			`tries: "many" is not a whole number`,
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
	const want = "server: conflicts with heapster_url: give one of the two (from --server)\n" +
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

// How long each kind is kept: as text or a list in a file, and as a variable.
func TestRetention(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for name, test := range map[string]struct {
		file, variable string
		want           map[schema.Kind]time.Duration
	}{
		"default": {"tries: 3", "", map[schema.Kind]time.Duration{}},
		"text":    {"archive: {retention: {raw: 2y}}", "", all(2 * year)},
		"text of kinds": {`archive: {retention: {raw: "pod=8w"}}`, "",
			map[schema.Kind]time.Duration{schema.Pod: 56 * 24 * time.Hour}},
		"list": {"archive: {retention: {raw: [container=0s, 36h, pod=90d]}}", "", map[schema.Kind]time.Duration{
			schema.Cluster: 36 * time.Hour, schema.Node: 36 * time.Hour, schema.Namespace: 36 * time.Hour,
			schema.SystemContainer: 36 * time.Hour, schema.Pod: 90 * 24 * time.Hour}},
		"variable": {"archive: {retention: {raw: 1y}}", "3d", all(3 * 24 * time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			if test.variable != "" {
				t.Setenv("HEAPSTASH_ARCHIVE_RETENTION_RAW", test.variable)
			}
			cfg, err := load(t, "--config", writeConfig(t, test.file))
			if err != nil {
				t.Fatal(err)
			}
			if got := cfg.Archive.Retention.ByKind()[archive.Raw]; !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// all returns the same time for all kinds.
func all(long time.Duration) map[schema.Kind]time.Duration {
	kept := make(map[schema.Kind]time.Duration)
	for _, kind := range schema.Kinds() {
		kept[kind] = long
	}
	return kept
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]schema.Size{
		"0": 0, "0B": 0, "512B": 512, "64MiB": 64 << 20, "1.5GB": 1_500_000_000, "2 GiB": 2 << 30, "3kB": 3000, "1TB": 1e12,
	} {
		cfg, err := load(t, "--config", writeConfig(t, "archive: {min_free: "+text+"}"))
		if err != nil || cfg.Archive.MinFree != want {
			t.Errorf("%s: %d, %v; want %d", text, cfg.Archive.MinFree, err, want)
		}
	}
}
