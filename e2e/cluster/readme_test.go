package cluster

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// section returns a part of a document, from its heading to the next heading of that
// level.
func section(t *testing.T, document, heading string) string {
	t.Helper()
	all, err := os.ReadFile(filepath.Join("../..", document))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(all), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("%s has no section %q", document, heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// blocks returns the code blocks of a language.
func blocks(text, language string) []string {
	var found []string
	for _, match := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```").FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

// newcomer makes a directory for a reader of the documents: it has the
// repository, the programs and the cluster's kubeconfig.
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

// TestREADMEsTenMinutes runs the commands of the README and of docs/install.md
// for newcomers, word for word.
func TestREADMEsTenMinutes(t *testing.T) {
	defer restartHeapster(t)
	feed(t, newCluster(), 5*time.Second)
	all := blocks(section(t, "README.md", "Your first archive")+
		section(t, "docs/install.md", "In the cluster, as a Deployment")+
		section(t, "docs/install.md", "In the cluster, as a CronJob"), "sh")
	want := [][]string{
		{`(?m)(^[a-z0-9-]+ +[a-z0-9-]+ +20\S+Z +[0-9]{4,} *\n?){4}`}, // every pod of the one batch
		{`deployment.apps/heapstash `, `persistentvolumeclaim/heapstash `, `configmap/heapstash-`},
		{`cronjob.batch/heapstash-collect `, `persistentvolumeclaim/heapstash `, `configmap/heapstash-`, `job.batch/ask created`},
	}
	if len(all) != len(want) {
		t.Fatalf("%d blocks to run, want %d", len(all), len(want))
	}
	for i, block := range all {
		dir, environ := newcomer(t)
		command := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", block)
		command.Dir, command.Env = dir, environ
		o := rig.Run(t, command).Want(t, 0)
		for _, pattern := range want[i] {
			if !regexp.MustCompile(pattern).MatchString(o.Stdout) {
				t.Errorf("%s\nprints no %q:\n%s", block, pattern, o.Stdout)
			}
		}
	}

	// The pods that controllers start for the CronJob and for the Job of the question.
	jobs := cluster.Admin.BatchV1().Jobs("heapstash")
	ask, err := jobs.Get(t.Context(), "ask", get)
	if err != nil {
		t.Fatal(err)
	}
	defer jobs.Delete(t.Context(), "ask", del)
	claim := t.TempDir()
	rig.Run(t, podCommand(t, newPod(t, applyCronJob(t).Spec.JobTemplate.Spec.Template.Spec, claim))).Want(t, 0)
	answer := rig.Run(t, podCommand(t, newPod(t, ask.Spec.Template.Spec, claim))).Want(t, 0)
	number(t, answer.Stdout, 100)
}

// rows returns the rows of a table of `heapstash sql`, without its header.
func rows(t *testing.T, table string) [][]string {
	t.Helper()
	lines := strings.Split(strings.TrimRight(table, "\n"), "\n")
	if len(lines) < 2 || strings.Trim(lines[1], "- ") != "" {
		t.Fatalf("no table:\n%s", table)
	}
	var all [][]string
	for _, line := range lines[2:] {
		all = append(all, strings.Fields(line))
	}
	return all
}

// number fails the test unless a table has one number that is large enough.
func number(t *testing.T, table string, least int) {
	t.Helper()
	got := rows(t, table)
	if len(got) != 1 || len(got[0]) != 1 {
		t.Fatalf("no number:\n%s", table)
	}
	if n, err := strconv.Atoi(got[0][0]); err != nil || n < least {
		t.Errorf("%d (%v), want %d or more", n, err, least)
	}
}

// TestREADMEsCurl runs the requests of docs/access.md by curl, at both of its
// URLs, and by heapstash.
func TestREADMEsCurl(t *testing.T) {
	defer restartHeapster(t)
	feedPods(t, newCluster(), 5*time.Second, fedPod{"kube-system", "etcd-cluster00", "uid"})
	text := section(t, "docs/access.md", "The same by hand")
	walk := regexp.MustCompile("(?m)^\\| `(curl [^`]*)` \\| `(heapstash sql [^`]*)` \\|$").FindAllStringSubmatch(text, -1)
	urls := regexp.MustCompile("`P=http://127.0.0.1:8080(/[^`]*)`").FindAllStringSubmatch(text, -1)
	if len(walk) != 3 || len(urls) != 2 {
		t.Fatalf("%d rows, %d URLs", len(walk), len(urls))
	}
	for _, url := range urls {
		proxy := startProxy(t, "", cluster.AdminConf)
		if strings.HasPrefix(url[1], "/api/v1/proxy/") {
			proxy = startProxy(t, "", startLegacyFront(t, token(t)))
		}
		dir, environ := newcomer(t)
		heapstash(t, nil, "collect", "--server", proxy, "--db-file", filepath.Join(dir, "heapstash.db")).Want(t, 0)
		run := func(line string) string {
			command := exec.CommandContext(t.Context(), "bash", "-e", "-c", strings.Replace(line, "curl ", "curl --silent --fail ", 1))
			command.Dir, command.Env = dir, append(environ, "P="+proxy+url[1])
			return rig.Run(t, command).Want(t, 0).Stdout
		}
		for _, step := range walk {
			byCurl, byHeapstash := answers(t, run(step[1])), rows(t, run(step[2]))
			slices.SortFunc(byHeapstash, slices.Compare[[]string])
			if len(byCurl) == 0 || !slices.EqualFunc(byCurl, byHeapstash, slices.Equal[[]string]) {
				t.Errorf("%s\nanswers %q, and\n%s\nanswers %q", step[1], byCurl, step[2], byHeapstash)
			}
		}
	}
}

// answers returns the contents of Heapster's JSON, sorted: names, or times and values.
func answers(t *testing.T, text string) [][]string {
	t.Helper()
	var all [][]string
	var names []string
	var series struct {
		Metrics []struct {
			Timestamp string
			Value     json.Number
		}
	}
	if json.Unmarshal([]byte(text), &names) == nil {
		for _, name := range names {
			all = append(all, []string{name})
		}
	} else if err := json.Unmarshal([]byte(text), &series); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, point := range series.Metrics {
		all = append(all, []string{point.Timestamp, point.Value.String()})
	}
	slices.SortFunc(all, slices.Compare[[]string])
	return all
}

// TestREADMEsSQL runs the queries of docs/asking.md in the stock shell, on an
// archive in which each finds rows.
func TestREADMEsSQL(t *testing.T) {
	defer restartHeapster(t)
	archive, sim := filepath.Join(t.TempDir(), "a.db"), newCluster()
	for _, pass := range []struct {
		ago  time.Duration
		code int
	}{{100 * time.Second, 0}, {5 * time.Second, 3}} { // what Heapster had between them is lost
		restartHeapster(t)
		if err := cluster.Heapster.Feed(shop(sim.Next(time.Now().UTC().Truncate(time.Second).Add(-pass.ago)))); err != nil {
			t.Fatal(err)
		}
		heapstash(t, nil, "collect", "--heapster-url", cluster.Heapster.URL, "--db-file", archive).Want(t, pass.code)
	}
	var queries []string
	for _, block := range blocks(section(t, "docs/asking.md", "SQL"), "sql") {
		queries = append(queries, strings.Split(block, "\n\n")...)
	}
	if len(queries) < 6 {
		t.Fatalf("%d queries", len(queries))
	}
	for _, q := range queries {
		rolledUp := strings.Contains(q, "_hourly") || strings.Contains(q, "_daily") // no hour has closed yet
		if rig.SQL(t, archive, q) == "" && !rolledUp {
			t.Errorf("no row answers\n%s", q)
		}
	}
}

// shop gives the batch what the queries of docs/asking.md ask for: web-0 in
// shop, which has a custom metric, and nodes that are nearly full.
func shop(batch heapsim.Batch) heapsim.Batch {
	web := batch.Sets[slices.IndexFunc(batch.Sets, func(s heapsim.Set) bool { return s.Entity.Kind == schema.Pod })].Entity
	for i := range batch.Sets {
		s := &batch.Sets[i]
		if s.Entity.Namespace == web.Namespace {
			s.Entity.Namespace = "shop"
			if s.Entity.Pod == web.Pod {
				s.Entity.Pod = "web-0"
			}
		}
		if s.Entity == schema.PodEntity("shop", "web-0") {
			s.Values["custom/queue_length"] = schema.Int(7)
		}
		for j := range s.Labelled {
			if l := &s.Labelled[j]; l.Metric == "filesystem/usage" {
				k := slices.IndexFunc(s.Labelled, func(other heapsim.Labelled) bool {
					return other.Metric == "filesystem/limit" && other.Labels["resource_id"] == l.Labels["resource_id"]
				})
				l.Value = s.Labelled[k].Value
			}
		}
	}
	return batch
}
