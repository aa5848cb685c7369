package main

import (
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"heapstash/heapster/heapsim"
)

// openPTY returns both ends of a terminal of so many columns.
func openPTY(t *testing.T, columns uint16) (control, terminal *os.File) {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	fd := int(control.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: columns}); err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return control, terminal
}

// onTerminal runs heapstash on a terminal of so many columns, and returns its output.
func onTerminal(t *testing.T, columns uint16, env []string, args ...string) string {
	t.Helper()
	control, terminal := openPTY(t, columns)
	defer control.Close()
	cmd := exec.Command("heapstash", args...)
	cmd.Env = append(append(os.Environ(), "TERM=xterm", "NO_COLOR="), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Close()
	shown, _ := io.ReadAll(control) // it ends with EIO
	cmd.Wait()                      // doctor finds a fault, as it should
	return strings.ReplaceAll(string(shown), "\r\n", "\n")
}

// shownArchive returns an archive of one pass, with a gap that has a long text.
func shownArchive(t *testing.T) string {
	t.Helper()
	file := t.TempDir() + "/a.db"
	sim := heapsim.New(heapsim.Options{})
	sim.Feed(heapsim.NewCluster(heapsim.ClusterOptions{Nodes: 2, Namespaces: 2, Pods: 6, Containers: 1}).Next(time.Now()))
	server := httptest.NewServer(sim)
	defer server.Close()
	for _, command := range [][]string{
		{"heapstash", "collect", "--heapster-url", server.URL, "--db-file", file},
		{"sqlite3", file, "INSERT INTO hole SELECT 100, 1, '', '', '', '', '', '', '', 'late', '" +
			strings.Repeat("the samples of a long time are gone ", 5) + "', 1506496140, 1506496259, 0"},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", command, err, out)
		}
	}
	return file
}

// Output for people fits the terminal at any width, with a hanging indent. Words that are
// longer than a line stay whole.
func TestFitsTheTerminal(t *testing.T) {
	file := shownArchive(t)
	for _, columns := range []uint16{40, 60, 80, 120} {
		for _, args := range [][]string{
			{"status", "--db-file", file}, {"status", "--gaps", "--space", "--db-file", file},
			{"doctor", "--heapster-url", "http://127.0.0.1:1", "--db-file", file},
			{"schema"}, {"sql", "--schema", "pod", "--db-file", file}, {"query", "--help"}, {"--help"}, {"export", "--help"},
			{"status", "--db-file", "/nosuch/directory/with/a/name/x.db"},
			{"query", "cpu/usage_rate", "--db-file", file, "--pod", "nosuch"},
		} {
			shown := onTerminal(t, columns, []string{"NO_COLOR=1"}, args...)
			if len(shown) == 0 {
				t.Errorf("%v at %d columns shows nothing", args, columns)
			}
			for line := range strings.Lines(shown) {
				line = strings.TrimSuffix(line, "\n")
				if utf8.RuneCountInString(line) <= int(columns) {
					continue
				}
				longest := 0
				for _, word := range strings.Fields(line) {
					longest = max(longest, utf8.RuneCountInString(word))
				}
				if len(strings.Fields(line)) > 1 && longest+24 < int(columns) {
					t.Errorf("%v at %d columns has a line of %d: %q", args, columns, utf8.RuneCountInString(line), line)
				}
			}
		}
	}
	shown := onTerminal(t, 40, []string{"NO_COLOR=1"}, "doctor", "--heapster-url", "http://127.0.0.1:1", "--db-file", file)
	if !strings.Contains(shown, "\n           ") {
		t.Errorf("no hanging indent:\n%s", shown)
	}
}

// There are colours on terminals that have them, unless NO_COLOR is set.
func TestColours(t *testing.T) {
	file := shownArchive(t)
	for _, c := range []struct {
		args    []string
		colours string
	}{
		{[]string{"status", "--db-file", file}, "\x1b[32mcomplete\x1b[0m"},
		{[]string{"doctor", "--heapster-url", "http://127.0.0.1:1", "--db-file", file}, "\x1b[31mfault\x1b[0m"},
	} {
		if shown := onTerminal(t, 100, nil, c.args...); !strings.Contains(shown, c.colours) {
			t.Errorf("%v shows no %q:\n%q", c.args, c.colours, shown)
		}
		for _, env := range []string{"NO_COLOR=1", "TERM=dumb"} {
			if shown := onTerminal(t, 100, []string{env}, c.args...); strings.Contains(shown, "\x1b") {
				t.Errorf("%v shows colours with %s: %q", c.args, env, shown)
			}
		}
		if out, _ := exec.Command("heapstash", c.args...).Output(); strings.Contains(string(out), "\x1b") {
			t.Errorf("%v has colours in a pipe: %q", c.args, out)
		}
	}
}
