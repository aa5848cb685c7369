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
	shows(run(0, "doctor", "--heapster-url", heapster.URL), "^ok +archive +clickhouse://.* has ", "^ok +rights", "^ok +replicas", "^ok +server-clock", "^ok +last-pass +pass 2 was complete")
	shows(run(0, "__complete", "query", "cpu/usage_rate", "--namespace", ""), "^kube-system")
	shows(run(1, "sql", "SELECT 1"), "needs an SQLite file")

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
