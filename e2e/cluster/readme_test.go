package cluster

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// section is a part of the README, from its heading to the next one of that
// level.
func section(t *testing.T, heading string) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(readme), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("the README has no section %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// blocks are the code blocks of a language.
func blocks(text, language string) []string {
	var found []string
	for _, match := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```").FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

// newcomer makes a directory with what somebody has who reads the README: the
// repository, the programs, and the cluster's kubeconfig.
func newcomer(t *testing.T) (dir string, environ []string) {
	t.Helper()
	dir = t.TempDir()
	programDir := filepath.Join(dir, "programs")
	kubectl := "#!/bin/sh\nexec " + programs.Kubernetes + " kubectl \"$@\"\n"
	repository, err := filepath.Abs("../..")
	if err == nil {
		err = os.Mkdir(programDir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(programDir, "kubectl"), []byte(kubectl), 0o755)
	}
	for from, to := range map[string]string{
		programs.Heapstash:                  filepath.Join(programDir, "heapstash"),
		filepath.Join(repository, "deploy"): filepath.Join(dir, "deploy"),
		cluster.AdminConf:                   filepath.Join(dir, "admin.conf"),
	} {
		if err == nil {
			err = os.Symlink(from, to)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, []string{"PATH=" + programDir + ":" + os.Getenv("PATH"), "HOME=" + dir, "KUBECONFIG=" + cluster.AdminConf}
}

// TestREADMEsTenMinutes runs what the README tells newcomers to run.
func TestREADMEsTenMinutes(t *testing.T) {
	defer restartHeapster(t)
	feed(t, newCluster(), 5*time.Second)
	all := blocks(section(t, "Ten minutes to an archive"), "sh")
	if len(all) != 2 {
		t.Fatalf("%d blocks to run", len(all))
	}
	for _, block := range all {
		dir, environ := newcomer(t)
		// The manifests are the cluster's already, applied by another way.
		block = strings.ReplaceAll(block, "kubectl apply -k", "kubectl apply --server-side --force-conflicts -k")
		command := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", block)
		command.Dir, command.Env = dir, environ
		o := runCommand(t, command).want(t, 0)
		t.Logf("%s\n%s", block, o.stdout)
	}
}

// TestREADMEsCurl makes the README's walk by curl, and by heapstash.
func TestREADMEsCurl(t *testing.T) {
	defer restartHeapster(t)
	feedPod(t, "kube-system", "etcd-cluster00", "uid")
	dir, environ := newcomer(t)
	proxy := startProxy(t, "")
	environ = append(environ, "P="+proxy+"/api/v1/namespaces/kube-system/services/heapster/proxy/api/v1")
	heapstash(t, nil, "collect", "--server", proxy, "--db-file", filepath.Join(dir, "heapstash.db")).want(t, 0)
	run := func(line string) []string {
		command := exec.CommandContext(t.Context(), "bash", "-e", "-c", strings.Replace(line, "curl ", "curl --silent --fail ", 1))
		command.Dir, command.Env = dir, environ
		out := runCommand(t, command).want(t, 0).stdout
		// What both answer: names, and the value after the time.
		words := regexp.MustCompile(`[a-z][a-z0-9]*(?:-[a-z0-9]+)+|\b[0-9]{5,}\b`).FindAllString(out, -1)
		slices.Sort(words)
		return slices.Compact(words)
	}
	rows := regexp.MustCompile("(?m)^\\| `(curl [^`]*)` \\| `(heapstash sql [^`]*)` \\|$").FindAllStringSubmatch(section(t, "Four ways in"), -1)
	if len(rows) != 3 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		byCurl, byHeapstash := run(row[1]), run(row[2])
		if len(byCurl) == 0 || !slices.Equal(byCurl, byHeapstash) {
			t.Errorf("%s\nanswers %q, and\n%s\nanswers %q", row[1], byCurl, row[2], byHeapstash)
		}
	}
}

// TestREADMEsSQL runs the README's queries in the stock shell.
func TestREADMEsSQL(t *testing.T) {
	defer restartHeapster(t)
	feed(t, newCluster(), 5*time.Second)
	archive := filepath.Join(t.TempDir(), "a.db")
	heapstash(t, nil, "collect", "--heapster-url", cluster.Heapster.URL, "--db-file", archive).want(t, 0)
	queries := blocks(section(t, "Ask it"), "sql")
	if len(queries) == 0 {
		t.Fatal("no queries")
	}
	for _, q := range queries {
		t.Log(shell(t, archive, "\n"+q)) // what begins with a dash is an option
	}
}
