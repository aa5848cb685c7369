package docs

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"heapstash/e2e/rig"
)

// snippet is a command line or an SQL statement of a document.
type snippet struct {
	from, text string
	sql        bool
}

// unrunnable are patterns of the examples that cannot run on a demo, with the reasons.
// All other examples must run.
var unrunnable = map[string]string{
	`^(kubectl|docker) `:                                                 "it asks a Kubernetes cluster",
	`--kubeconfig|--server|kubectl proxy|KUBECONFIG=`:                    "it asks an apiserver, or names one",
	`^(#|dpkg|install|sed|runuser|systemctl|cp|datasette|duckdb|influx)`: "it is about another program, some as root",
	`clickhouse(-client|://)`:                                            "it needs servers of ClickHouse; TestCommandsOnClickHouse has some",
	`--lake\b`:                                                           "it reads a lake; the script lake.txtar does",
	`^make `:                                                             "it is this repository's",
	`^heapstash (demo --serve|run)\b`:                                    "it does not end; TestExamples has the one, and collects from it",
	`^promtool `:                                                         "it makes blocks of all samples for half a minute; e2e/tools does it",
	`^heapstash sql$`:                                                    "it prompts at a terminal; TestPrompt types there",
	`^(sleep 1|\.\.\.)`:                                                  "it asks nothing",
}

// whole matches the examples that read every sample. They use the archive of a day.
var whole = regexp.MustCompile(`^heapstash export --format (openmetrics|influx) --output`)

// exits are the examples with another exit code than 0.
var exits = map[string]int{
	// doctor says that this is too seldom.
	`doctor --heapster-url http://localhost:8082 --every 5m`: 1,
}

// pages returns the paths of the documents.
func pages(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	return append(all, filepath.Join(root, "README.md"), filepath.Join(root, "archive", "FORMAT.md"))
}

var (
	fenced = regexp.MustCompile("(?ms)^```(sh|console|sql)\n(.*?)^```$")
	inline = regexp.MustCompile("`(heapstash (?:sql|query) [^`]+)`")
	ends   = regexp.MustCompile(`;[ \t]*(?:\n|$)`)
)

// examplesOf returns the examples of a page.
func examplesOf(page, text string) (all []snippet) {
	for _, block := range fenced.FindAllStringSubmatch(text, -1) {
		switch kind, inside := block[1], block[2]; kind {
		case "sql":
			for _, statement := range ends.Split(inside, -1) {
				if strings.TrimSpace(statement) != "" {
					all = append(all, snippet{page, statement, true})
				}
			}
		case "console":
			// A command begins after a prompt, and its other lines are indented.
			for _, line := range regexp.MustCompile(`(?m)^(?:\$ |(# ))(.*\n(?:[ \t]+.*\n)*)`).FindAllStringSubmatch(inside, -1) {
				all = append(all, commands(page, line[1]+line[2])...)
			}
		default:
			all = append(all, commands(page, inside)...)
		}
	}
	for _, code := range inline.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		all = append(all, snippet{from: page, text: strings.ReplaceAll(code[1], `\|`, "|")})
	}
	return all
}

// commands splits a script at && and at the ends of lines, except where a quote or a
// pipe is open.
func commands(page, script string) (all []snippet) {
	command := ""
	for line := range strings.Lines(script) {
		command += line
		trimmed := strings.TrimSpace(uncommented(line))
		if strings.Count(command, `"`)%2 == 1 || strings.Count(command, "'")%2 == 1 ||
			strings.HasSuffix(trimmed, "|") || strings.HasSuffix(trimmed, "&&") || strings.HasSuffix(trimmed, `\`) {
			continue
		}
		for _, part := range strings.Split(command, "&&") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, snippet{from: page, text: part})
			}
		}
		command = ""
	}
	return all
}

// uncommented returns a line without its comment.
func uncommented(line string) string {
	before, _, _ := strings.Cut(line, "  #")
	return before
}

// help returns the examples of the commands' help.
func help(t *testing.T, heapstash string) (all []snippet) {
	t.Helper()
	text := output(t, heapstash, "--help")
	_, list, _ := strings.Cut(text, "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	for line := range strings.Lines(list) {
		name := strings.Fields(line)[0]
		_, examples, found := strings.Cut(output(t, heapstash, name, "--help"), "\nExamples:\n")
		if found {
			examples, _, _ = strings.Cut(examples, "\n\n")
			all = append(all, commands("heapstash "+name+" --help", examples+"\n")...)
		}
	}
	return all
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out)
}

// host is a machine on which `heapstash demo --serve` runs. Copies of its archive have
// all names that the examples use; prod.db is an archive of one day.
type host struct {
	home string // the working directory of the commands
	root string // the root of the host's directories
	url  string // of the stand-in
	env  []string
}

// usualURL is the URL of the demo's stand-in if no other program uses it.
const usualURL = "http://127.0.0.1:8082"

func newHost(t *testing.T, heapstash string) *host {
	t.Helper()
	h := &host{home: t.TempDir(), root: t.TempDir(), url: usualURL}
	address := strings.TrimPrefix(usualURL, "http://")
	if listener, err := net.Listen("tcp", address); err == nil {
		listener.Close()
	} else {
		t.Logf("%v: examples that ask there ask elsewhere", err)
		address = "127.0.0.1:0"
	}
	demo := exec.Command(heapstash, "demo", "--serve", "--listen", address)
	demo.Dir, demo.Stderr = h.home, os.Stderr
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		demo.Process.Signal(syscall.SIGTERM)
		if err := demo.Wait(); err != nil {
			t.Errorf("heapstash demo --serve: %v", err)
		}
	})
	settings := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if exported, is := strings.CutPrefix(line, "export "); is {
			settings = exported
		}
		if _, last, is := strings.Cut(line, " collect --heapster-url "); is && strings.HasSuffix(line, "mine.db") {
			h.url = strings.Fields(last)[0]
			break
		}
	}
	go io.Copy(io.Discard, out)
	h.env = append(os.Environ(), strings.Fields(settings)...)
	h.env = append(h.env, "HEAPSTASH_HEAPSTER_URL="+h.url, "PATH="+filepath.Dir(heapstash)+":"+os.Getenv("PATH"))

	output(t, heapstash, "demo", "--days", "0", "--db-file", filepath.Join(h.home, "prod.db"))
	archive, err := os.ReadFile(filepath.Join(h.home, "heapstash-demo.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, directory := range []string{"/var/lib/heapstash", "/var/lib/prometheus", "/srv/heapstash", "/srv/grafana", "/srv/public", "/backup"} {
		if err := os.MkdirAll(h.root+directory, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{h.home + "/heapstash.db", h.root + "/var/lib/heapstash/heapstash.db", h.root + "/var/lib/heapstash/prod.db"} {
		if err := os.WriteFile(name, archive, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Files that a reader of the examples has.
	for _, name := range []string{"question.sql", "report.sql"} {
		if err := os.WriteFile(filepath.Join(h.home, name), []byte("SELECT count(*) FROM pod_daily"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// run runs a command in a shell and returns its output: on stdout, or in files.
func (h *host) run(command string) (answer string, code int, err error) {
	command = strings.ReplaceAll(command, "http://localhost:8082", h.url)
	command = regexp.MustCompile(`(^|[ =>])(/var/lib|/srv|/backup)/`).ReplaceAllString(command, "${1}"+h.root+"${2}/")
	before := h.files()
	cmd := exec.Command("sh", "-euc", command)
	cmd.Dir, cmd.Env = h.home, h.env
	if whole.MatchString(command) {
		cmd.Env = append(cmd.Env, "HEAPSTASH_DB_FILE=prod.db")
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if cmd.ProcessState == nil {
		return "", 0, err
	}
	answer = strings.TrimSpace(string(out))
	for name, size := range h.files() {
		if size > 0 && before[name] != size && !strings.Contains(name, ".db-") {
			answer += fmt.Sprintf("%s of %d bytes", name, size)
		}
		if _, old := before[name]; !old && !strings.Contains(name, ".db") {
			os.Remove(name) // another example may write it again
		}
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, &stderr)
	}
	return answer, cmd.ProcessState.ExitCode(), err
}

// files returns the sizes of the host's files.
func (h *host) files() map[string]int64 {
	sizes := make(map[string]int64)
	for _, top := range []string{h.home, h.root} {
		filepath.Walk(top, func(name string, info os.FileInfo, err error) error {
			if err == nil && info.Mode().IsRegular() {
				sizes[name] = info.Size()
			}
			return nil
		})
	}
	return sizes
}

// TestExamples: every example of the documents and of the commands' help runs on a demo
// and has an output.
func TestExamples(t *testing.T) {
	heapstash, err := rig.BuildHeapstash()
	if err != nil {
		t.Fatal(err)
	}
	all := help(t, heapstash)
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, examplesOf(filepath.Base(page), string(text))...)
	}
	h := newHost(t, heapstash)
	used := make(map[string]bool)
	ran := 0
	for _, e := range all {
		if why := reason(e, used); why != "" {
			continue
		}
		ran++
		t.Run(e.from, func(t *testing.T) {
			if e.sql {
				h.ask(t, e.text)
				return
			}
			want := 0
			for command, code := range exits {
				if strings.Contains(e.text, command) {
					want = code
				}
			}
			answer, code, err := h.run(e.text)
			if code != want || answer == "" {
				t.Errorf("%s\nexit code %d, want %d; answer %q: %v", e.text, code, want, answer, err)
			}
		})
	}
	if ran < 60 {
		t.Errorf("only %d examples of %d ran", ran, len(all))
	}
	for _, pattern := range slices.Sorted(maps.Keys(unrunnable)) {
		if !used[pattern] {
			t.Errorf("no example is %q any more", pattern)
		}
	}
}

// ask runs a statement in the stock shell and in heapstash.
func (h *host) ask(t *testing.T, statement string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(h.home, "question.sql"), []byte(statement+";\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"sqlite3 -readonly -bail heapstash.db <question.sql", "heapstash sql --format csv --file question.sql | sed 1d"} {
		if answer, code, err := h.run(command); code != 0 || answer == "" {
			t.Errorf("%s\n%s\nexit code %d, answer %q: %v", command, statement, code, answer, err)
		}
	}
}

func reason(e snippet, used map[string]bool) string {
	if e.sql {
		return ""
	}
	for _, pattern := range slices.Sorted(maps.Keys(unrunnable)) {
		if regexp.MustCompile(pattern).MatchString(e.text) {
			used[pattern] = true
			return unrunnable[pattern]
		}
	}
	return ""
}
