package main

import (
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/heapster/heapsim"
)

// Every command that works on all engines works on ClickHouse, and shows no password.
func TestCommandsOnClickHouse(t *testing.T) {
	server := clickhousetest.Start(t)
	home := t.TempDir()
	binary := filepath.Join(home, "heapstash")
	copyExecutable(t, binary)
	now := time.Now().Truncate(time.Minute)
	sim := heapsim.New(heapsim.Options{})
	cluster := heapsim.NewCluster(heapsim.ClusterOptions{})
	for minutes := 3; minutes > 0; minutes-- {
		sim.Feed(cluster.Next(now.Add(-time.Duration(minutes) * time.Minute)))
	}
	heapster := httptest.NewServer(sim)
	defer heapster.Close()
	address := "clickhouse://" + server.Address + "/heapstash"

	if err := os.WriteFile(filepath.Join(home, "limited.yaml"), []byte("archive: {max_size: 1GB}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(want int, arguments ...string) string {
		t.Helper()
		command := exec.Command(binary, arguments...)
		command.Dir = home
		command.Env = []string{"HOME=" + home, "HEAPSTASH_ARCHIVE_URL=" + address, goRace()}
		out, err := command.CombinedOutput()
		if code := command.ProcessState.ExitCode(); code != want {
			t.Errorf("%v: exit code %d, want %d: %v\n%s", arguments, code, want, err, out)
		}
		return string(out)
	}
	shows := func(text string, patterns ...string) {
		t.Helper()
		for _, pattern := range patterns {
			if !regexp.MustCompile("(?m)" + pattern).MatchString(text) {
				t.Errorf("without %s:\n%s", pattern, text)
			}
		}
	}
	shows(run(10, "status"), "^heapstash: no archive at clickhouse://", "^hint: the first pass makes it")
	shows(run(0, "doctor", "--heapster-url", heapster.URL), "^ok +archive .*ClickHouse 1?[0-9.]+ answers at .*not there yet: the first pass makes it", "^ok +servers +one server")

	shows(run(0, "collect", "--heapster-url", heapster.URL, "--json"), `"archive":"clickhouse://`, `"new_archive":true`, `"outcome":"complete"`)
	sim.Feed(cluster.Next(now))
	shows(run(0, "collect", "--heapster-url", heapster.URL, "--json", "--metrics-textfile", "m.prom"), `"gap_seconds":0`, `"archive":`)
	if text, err := os.ReadFile(filepath.Join(home, "m.prom")); err != nil || strings.Contains(string(text), "archive_size") || !strings.Contains(string(text), "heapstash_passes_total") {
		t.Errorf("the metrics: %v\n%s", err, text)
	}
	shows(run(0, "status"), "^"+regexp.QuoteMeta(address[:13])+".*/heapstash: ", "^default +pod ", "^default +raw ", "complete")
	shows(run(0, "status", "--space"), "^part +takes", "^names, ledger, schema|^parts below 16 KiB")
	shows(run(0, "status", "--json"), `"path":"clickhouse://`)
	shows(run(0, "query", "cpu/usage_rate", "--by", "namespace", "--since", "1h", "--format", "csv"), "^metric,")
	shows(run(0, "query", "memory/usage", "--since", "1h", "--explain"), "SELECT")
	shows(run(0, "top"), "^NAMESPACE +NAME +CPU")
	shows(run(0, "export", "--kinds", "node", "--metric", "cpu/usage_rate"), "^cluster,kind")
	for _, level := range []string{"hourly", "daily"} {
		out := run(1, "export", "--level", level)
		shows(out, "^heapstash: --level "+level+": a ClickHouse archive has no hours and days: leave --level out$", "^hint: its raw samples")
		if strings.Contains(out, "cluster,kind") {
			t.Errorf("a header is written:\n%s", out)
		}
	}
	shows(run(1, "status", "--archive", address, "--config", "limited.yaml"), "^heapstash: archive.max_size: is for an archive in a file", "^hint: ")
	shows(run(0, "doctor", "--heapster-url", heapster.URL), "^ok +archive +clickhouse://.* has ", "^ok +rights", "^ok +replicas", "^ok +server-clock", "^ok +last-pass +pass 2 was complete")
	shows(run(0, "__complete", "query", "cpu/usage_rate", "--namespace", ""), "^kube-system")
	for _, arguments := range [][]string{{"sql", "SELECT 1"}, {"sql", "--schema"}, {"check"}, {"check", "--repair", "x.db"}, {"compact"}, {"prune"}, {"prune", "--dry-run"}, {"snapshot", "x.db"}} {
		out := run(1, arguments...)
		shows(out, "^heapstash: "+arguments[0]+" needs an SQLite file, and the archive is clickhouse://", "^hint: ")
		if n := strings.Count(out, "\n"); n != 2 {
			t.Errorf("%v: %d lines:\n%s", arguments, n, out)
		}
	}

	shows(run(0, "copy", address, "back.db"), "all are equal$", "^ledger +2 passes")
	shows(run(0, "collect", "--db-file", "back.db", "--heapster-url", heapster.URL, "--json"), `"gap_seconds":0`)
	shows(run(0, "check", "--db-file", "back.db"), "it is whole")
	shows(run(0, "copy", "back.db", address), "all are equal$")

	// A server that does not answer, and a wrong password.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent := listener.Addr().String()
	listener.Close()
	shows(run(1, "status", "--archive", "clickhouse://"+silent+"/heapstash"), "^heapstash: archive clickhouse://default@"+silent, "^hint: is the server up")
	shows(run(1, "doctor", "--heapster-url", heapster.URL, "--archive", "clickhouse://"+silent+"/heapstash"), "^fault +archive")
	secret := filepath.Join(home, "password")
	if err := os.WriteFile(secret, []byte(forbidden+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, "collect", "--log-level", "debug", "--heapster-url", heapster.URL, "--metrics-textfile", "secret.prom")
	command.Dir = home
	command.Env = []string{"HOME=" + home, "HEAPSTASH_ARCHIVE_URL=" + address, "HEAPSTASH_ARCHIVE_PASSWORD_FILE=" + secret, goRace()}
	out, err := command.CombinedOutput()
	if err == nil {
		t.Errorf("a wrong password is accepted:\n%s", out)
	}
	shows(string(out), "^hint: the user is in the address, the password in archive.password_file")
	metrics, _ := os.ReadFile(filepath.Join(home, "secret.prom"))
	if shown := string(out) + string(metrics); strings.Contains(shown, forbidden) {
		t.Errorf("the password is shown:\n%s", shown)
	}
}

// TestTablesByHand: a user who may not make tables writes to those that an administrator
// has made with the statements of heapstash schema. Everything is encrypted.
func TestTablesByHand(t *testing.T) {
	certificate, key := clickhousetest.NewCertificate(t, time.Now().Add(time.Hour), net.IPv4(127, 0, 0, 1))
	server := clickhousetest.StartWith(t, clickhousetest.ServerOptions{Certificate: certificate, Key: key, Users: []clickhousetest.User{
		{Name: "writer", Password: forbidden, Settings: map[string]string{"allow_ddl": "0"}},
	}})
	home := t.TempDir()
	binary := filepath.Join(home, "heapstash")
	copyExecutable(t, binary)
	password := filepath.Join(home, "password")
	configuration := "archive:\n  url: clickhouse://writer@" + server.Encrypted + "/by-hand?secure=true\n  ca_file: " + certificate + "\n  password_file: " + password + "\n"
	for path, text := range map[string]string{password: forbidden + "\n", filepath.Join(home, "heapstash.yaml"): configuration} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sim := heapsim.New(heapsim.Options{})
	cluster := heapsim.NewCluster(heapsim.ClusterOptions{})
	sim.Feed(cluster.Next(time.Now().Truncate(time.Minute)))
	heapster := httptest.NewServer(sim)
	defer heapster.Close()
	run := func(want int, pattern string, arguments ...string) string {
		t.Helper()
		command := exec.Command(binary, arguments...)
		command.Dir = home
		command.Env = []string{"HOME=" + home, goRace()}
		out, err := command.CombinedOutput()
		if code := command.ProcessState.ExitCode(); code != want || !regexp.MustCompile("(?m)"+pattern).Match(out) || strings.Contains(string(out), forbidden) {
			t.Errorf("%v: exit code %d, want %d and %s: %v\n%s", arguments, code, want, pattern, err, out)
		}
		return string(out)
	}
	pass := []string{"collect", "--config", "heapstash.yaml", "--heapster-url", heapster.URL}
	doctor := []string{"doctor", "--config", "heapstash.yaml", "--heapster-url", heapster.URL}
	run(1, "^hint: .*make the tables by hand", pass...)
	run(1, "^fault +rights +the user lacks the rights CREATE", doctor...)

	named := []string{"schema", "--engine", "clickhouse", "--address", "clickhouse://ch1/by-hand"}
	run(0, "CODEC", named...)
	run(1, "from 18.16 on", append(named, "--server-version", "1.1")...)
	statements := run(0, "^CREATE VIEW", append(named, "--server-version", "18.16")...)
	if strings.Contains(statements, "CODEC") {
		t.Error("18.16 does not know CODEC")
	}
	for statement := range strings.SplitSeq(strings.TrimSuffix(statements, ";\n"), ";\n") {
		server.Exec(t, statement)
	}
	run(0, "^ok +archive .*the tables are there", doctor...)
	run(0, "complete", append(pass, "--json")...)
	run(0, "complete", append(pass, "--json")...)
	run(0, "^warning +rights +the user lacks the rights CREATE", doctor...)
	run(0, "^default +pod ", "status", "--config", "heapstash.yaml")
}
