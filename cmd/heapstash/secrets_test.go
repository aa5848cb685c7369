package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"heapstash/heapster/heapsim"
)

// forbidden is a credential that no output may contain.
const forbidden = "Zm9yYmlkZGVuLWZydWl0"

// echoing answers with the credentials of the request, as debugging proxies and log-in
// pages do.
func echoing(status int, contentType, format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sent := r.Header.Get("Authorization")
		if _, password, basic := r.BasicAuth(); basic {
			sent += " " + password
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		fmt.Fprintf(w, format, sent)
	}
}

// raw answers with bytes that are not HTTP.
func raw(format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, format, r.Header.Get("Authorization"))
	}
}

// No failure shows a credential: not on stdout or stderr, not in the archive, not in a
// metric.
func TestSecretsAreNotShown(t *testing.T) {
	sim := heapsim.New(heapsim.Options{})
	sim.Feed(heapsim.NewCluster(heapsim.ClusterOptions{}).Next(time.Now().Truncate(time.Minute)))
	const status = `{"kind":"Status","reason":%[1]q,"message":%[1]q}`
	answers := map[string]http.HandlerFunc{
		"true":         sim.ServeHTTP,
		"401":          echoing(401, "text/plain", "who is %s?"),
		"401 status":   echoing(401, "application/json", status),
		"403":          echoing(403, "text/plain", "%s may not"),
		"403 status":   echoing(403, "application/json", status),
		"404":          echoing(404, "text/plain", "no %s here"),
		"500":          echoing(500, "text/plain", "panic: %s"),
		"web page":     echoing(500, "text/html", "<html>%s</html>"),
		"200 web page": echoing(200, "text/html", "<html>%s</html>"),
		"200 text":     echoing(200, "text/plain", "%s"),
		"200 value":    echoing(200, "application/json", `{"metrics":[{"timestamp":%q,"value":1}]}`),
		"200 list":     echoing(200, "application/json", `[{%q:1}]`),
		"no HTTP":      raw("%s\r\n\r\n"),
		"bad status":   raw("HTTP/1.1 %s\r\n\r\n"),
		"bad header":   raw("HTTP/1.1 200 OK\r\n%s\r\n\r\n"),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			sent := r.Header.Get("Authorization")
			w.Header().Set("Location", "https://u:"+forbidden+"@example.com/login/"+strings.ReplaceAll(sent, " ", "/")+"?token="+forbidden+"#"+forbidden)
			w.WriteHeader(http.StatusFound)
		},
		"later": func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/pod-list/") {
				echoing(500, "text/plain", "panic: %s")(w, r)
				return
			}
			sim.ServeHTTP(w, r)
		},
	}
	binary := filepath.Join(t.TempDir(), "heapstash")
	copyExecutable(t, binary)
	for answer, handler := range answers {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			server := httptest.NewServer(handler)
			defer server.Close()
			secure := httptest.NewTLSServer(http.StripPrefix("/api/v1/namespaces/kube-system/services/http:heapster:/proxy", handler))
			defer secure.Close()
			secure.Config.ErrorLog = nil
			_, host, _ := strings.Cut(server.URL, "://")

			write := func(name, text string, mode os.FileMode) string {
				t.Helper()
				file := filepath.Join(home, name)
				if err := os.WriteFile(file, []byte(text), mode); err != nil {
					t.Fatal(err)
				}
				return file
			}
			kubeconfig := func(name, user string) string {
				return write(name, `{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],`+
					`"clusters":[{"name":"c","cluster":{"server":"`+secure.URL+`","insecure-skip-tls-verify":true}}],"users":[{"name":"u","user":`+user+`}]}`, 0o600)
			}
			plugin := write("plugin", `#!/bin/sh
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"`+forbidden+`"}}'
`, 0o700)
			broken := write("broken", "#!/bin/sh\necho '"+forbidden+"'; exit $1\n", 0o700)
			exec := func(command, argument string) string {
				return `{"exec":{"apiVersion":"client.authentication.k8s.io/v1","interactiveMode":"Never","command":"` + command + `","args":["` + argument + `"]}}`
			}
			for way, flags := range map[string][]string{
				"token file":  {"--heapster-url", server.URL, "--token-file", write("token", forbidden+"\n", 0o600)},
				"two tokens":  {"--heapster-url", server.URL, "--token-file", write("tokens", forbidden+"\n"+forbidden, 0o600)},
				"odd token":   {"--heapster-url", server.URL, "--token-file", write("odd", forbidden+"\x01", 0o600)},
				"userinfo":    {"--heapster-url", "http://user:" + forbidden + "@" + host},
				"no host":     {"--heapster-url", "http://user:" + forbidden + "@:x"},
				"no scheme":   {"--heapster-url", "user:" + forbidden + "@" + host},
				"closed port": {"--heapster-url", "http://user:" + forbidden + "@127.0.0.1:1"},
				"kubeconfig":  {"--kubeconfig", kubeconfig("with-token", `{"token":"`+forbidden+`"}`)},
				"basic":       {"--kubeconfig", kubeconfig("with-password", `{"username":"u","password":"`+forbidden+`"}`)},
				"plugin":      {"--kubeconfig", kubeconfig("with-plugin", exec(plugin, "0"))},
				"bad plugin":  {"--kubeconfig", kubeconfig("with-broken", exec(broken, "0"))},
				"dead plugin": {"--kubeconfig", kubeconfig("with-dead", exec(broken, "1"))},
				"server":      {"--server", "http://user:" + forbidden + "@" + host},
			} {
				// Those that fail before there is an answer need but one.
				once := !slices.Contains([]string{"token file", "userinfo", "kubeconfig", "server"}, way)
				if once && answer != "401" {
					continue
				}
				for _, command := range []string{"collect", "doctor"} {
					if command == "doctor" && answer != "401" {
						continue // it asks as collect does
					}
					directory := t.TempDir()
					arguments := append([]string{command, "--log-level", "debug", "--db-file", filepath.Join(directory, "a.db")}, flags...)
					if command == "collect" {
						arguments = append(arguments, "--metrics-textfile", filepath.Join(directory, "m.prom"), "--json")
					}
					shown := shownBy(t, binary, directory, append(arguments, "--tries", "1"))
					checkShown(t, fmt.Sprintf("%s, %s, %s", answer, way, command), shown)
				}
			}
		})
	}
}

// shownBy runs a command twice, the second time with an archive, and returns its output
// and the content of its files.
func shownBy(t *testing.T, binary, directory string, arguments []string) string {
	t.Helper()
	var shown bytes.Buffer
	command := exec.Command(binary, arguments...)
	command.Env = []string{"HOME=" + directory, goRace()}
	command.Stdout, command.Stderr = &shown, &shown
	if _, failed := command.Run().(*exec.ExitError); !failed && command.ProcessState == nil {
		t.Fatal("it did not run")
	}
	return shown.String() + left(t, directory)
}

// left returns the content of a directory's files.
func left(t *testing.T, directory string) string {
	t.Helper()
	var all strings.Builder
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if text, err := os.ReadFile(filepath.Join(directory, e.Name())); err == nil {
			all.Write(text)
		}
	}
	return all.String()
}

func checkShown(t *testing.T, name, shown string) {
	t.Helper()
	for _, secret := range []string{forbidden, base64.StdEncoding.EncodeToString([]byte("user:" + forbidden)), base64.StdEncoding.EncodeToString([]byte("u:" + forbidden))} {
		if i := strings.Index(shown, secret); i >= 0 {
			t.Errorf("%s: a credential is shown: %q", name, shown[max(0, i-200):min(len(shown), i+60)])
		}
	}
	if shown == "" {
		t.Errorf("%s: nothing is shown at all", name)
	}
}

// While passes of run fail, its HTTP answers, its log, its archive and its process's
// arguments contain no credential.
func TestResidentShowsNoSecrets(t *testing.T) {
	server := httptest.NewServer(echoing(500, "text/plain", "panic: %s"))
	defer server.Close()
	home := t.TempDir()
	binary := filepath.Join(home, "heapstash")
	copyExecutable(t, binary)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(forbidden), 0o600); err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, binary, "run", "--log-level", "debug", "--log-format", "text", "--listen", "127.0.0.1:0",
		"--heapster-url", server.URL, "--token-file", token, "--db-file", filepath.Join(directory, "a.db"), "--tries", "1")
	command.Env = []string{goRace()}
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	log, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	address := regexp.MustCompile(`address=(\S+)`)
	buffer := make([]byte, 4096)
	for !strings.Contains(said.String(), "panic: ") || !address.MatchString(said.String()) {
		n, err := log.Read(buffer)
		said.Write(buffer[:n])
		if err != nil {
			t.Fatalf("%v after\n%s", err, said.String())
		}
	}
	at := "http://" + address.FindStringSubmatch(said.String())[1]
	for _, path := range []string{"/metrics", "/readyz", "/healthz"} {
		resp, err := http.Get(at + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		checkShown(t, path, string(text))
	}
	// What pprof would show is not there.
	resp, err := http.Get(at + "/debug/pprof/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("/debug/pprof/ answers %s", resp.Status)
	}
	if arguments, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", command.Process.Pid)); err == nil {
		checkShown(t, "arguments", string(arguments))
	}
	cancel()
	rest, err := io.ReadAll(log)
	if err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // by the signal
	checkShown(t, "log", said.String()+string(rest))
	checkShown(t, "archive", "empty or "+left(t, directory))
}
