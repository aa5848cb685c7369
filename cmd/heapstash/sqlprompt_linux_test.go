package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/schema"
)

// typist types at a pseudo-terminal.
type typist struct {
	*testing.T
	master *os.File
	done   chan error // of the program

	mu   sync.Mutex
	seen strings.Builder
	read int // of what was seen
}

// sitDown runs the command on a terminal of its own, 80 columns wide.
func sitDown(t *testing.T, cmd *exec.Cmd) *typist {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 80}); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	p := &typist{T: t, master: master, done: make(chan error, 1)}
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := master.Read(buffer)
			p.mu.Lock()
			p.seen.Write(buffer[:n])
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	go func() { p.done <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill() // unless it has ended
		master.Close()
	})
	return p
}

// types types keys.
func (p *typist) types(keys string) {
	p.Helper()
	if _, err := p.master.WriteString(keys); err != nil {
		p.Fatal(err)
	}
}

// sees waits for output that matches, after the output that was seen before.
func (p *typist) sees(pattern string) {
	p.Helper()
	want := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		p.mu.Lock()
		text := p.seen.String()[p.read:]
		at := want.FindStringIndex(text)
		if at != nil {
			p.read += at[1]
		}
		p.mu.Unlock()
		if at != nil {
			return
		}
		if time.Now().After(deadline) {
			p.Fatalf("there is no %q in\n%q", pattern, text)
		}
	}
}

// leaves waits for the end of the program, which must exit with 0.
func (p *typist) leaves() {
	p.Helper()
	select {
	case err := <-p.done:
		if err != nil {
			p.Fatalf("it ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		p.Fatal("it did not end")
	}
}

// promptArchive makes an archive with a row for each of two pods.
func promptArchive(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.db")
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	pass, err := store.BeginPass(t.Context(), archive.Pass{Cluster: "default"})
	if err != nil {
		t.Fatal(err)
	}
	var rows []schema.Row
	for i, pod := range []string{"web-0", "web-1"} {
		rows = append(rows, schema.Row{Entity: schema.PodEntity("shop", pod), At: 1506470400, Readings: []schema.Reading{
			{Metric: "cpu/usage_rate", Value: schema.Int(int64(7000 + i))},
		}})
	}
	if _, err := store.Write(context.Background(), archive.Batch{Pass: pass, Cluster: "default", Rows: rows, Horizon: 1506470400}); err != nil {
		t.Fatal(err)
	}
	return path
}

func sqlAtTerminal(t *testing.T, path, state string, args ...string) *typist {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "heapstash")
	if err := os.Symlink(self, binary); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, append([]string{"sql", "--db-file", path}, args...)...)
	cmd.Args[0] = binary
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+state)
	p := sitDown(t, cmd)
	p.sees(`open for reading\. .*\r\n`)
	p.sees(`heapstash> $`)
	return p
}

// The prompt at a terminal: statements of several lines, formats, completion, errors
// that do not end it, and a history in a file.
func TestPrompt(t *testing.T) {
	path, state := promptArchive(t), t.TempDir()
	p := sqlAtTerminal(t, path, state)

	p.types("SELECT pod, cpu_usage_rate\r")
	p.sees(`\.\.\.> $`)
	p.types("FROM pod -- ; not here\rORDER BY pod;\r")
	p.sees(`web-0 +7000\r\nweb-1 +7001\r\nheapstash> $`)

	p.types(".mode json\r")
	p.sees(`heapstash> $`)
	p.types("SELECT 1 AS a; SELECT ';' AS b;\r")
	p.sees(`\{"a":1\}\r\n\{"b":";"\}\r\nheapstash> $`)
	p.types(".mode\r")
	p.sees(`\r\njson\r\n`)
	p.types(".mode jsn\r")
	p.sees(`did you mean json\?\r\nheapstash> $`)

	p.types("SELECT avg(\"cpu_usge_rate\") FROM pod;\r")
	p.sees(`no such column: "cpu_usge_rate".*\r\nhint: did you mean cpu_usage_rate\?\r\nheapstash> $`)
	p.types("DELETE FROM pass;\r")
	p.sees(`only reading is allowed`)
	p.sees(`heapstash> $`)

	// Tab: a view after FROM, a column of it, a keyword in the case typed, a command.
	p.types("SELECT max(cpu_usage_rate_av\t) FROM pod_h\t;\r")
	p.sees(`\{"max\(cpu_usage_rate_avg ?\)":null\}\r\n`)
	// The view may stand behind the cursor, and what is pasted is as it is.
	p.types("SELECT max(uptime_) AS y FROM pod_daily;" + strings.Repeat("\x1b[D", 22) + "las\t\x1b[F\r")
	p.sees(`\{"y":null\}\r\n`)
	p.types("\x1b[200~SELECT\t6 * 7\tAS z;\r\x1b[201~")
	p.sees(`\{"z":42\}\r\n`)
	p.types("select pod from pod o\tb\tpod l\t1;\r")
	p.sees(`.`)
	p.types("\x03")
	p.sees(`heapstash> $`)
	p.types("SELECT count(*) FROM pod_\t\t")
	p.sees(`pod_daily +pod_hourly +pod_identities`)
	p.types("\x03")
	p.sees(`\^C\r\nheapstash> $`)
	p.types(".sch\tgaps\r")
	p.sees(`"view":"gaps"`)
	p.types(".tables\r")
	p.sees(`"view":"pod","row":"a pod at a moment"`)
	p.types(".help\r")
	p.sees(`\.quit +leave`)
	p.types(".nothing\r")
	p.sees(`no command \.nothing`)

	p.types(".quit\r")
	p.leaves()

	// The history: a statement of two lines is one entry.
	q := sqlAtTerminal(t, path, state, "--format", "csv")
	q.types("SELECT 'a'\r")
	q.sees(`\.\.\.> $`)
	q.types("  AS x;\r")
	q.sees(`\r\nx\r\na\r\n`)
	q.types("\x04") // Ctrl-D
	q.leaves()
	r := sqlAtTerminal(t, path, state, "--format", "line")
	r.types("\x1b[A\r") // up
	r.sees(`SELECT 'a'   AS x;`)
	r.sees(`\r\nx = a\r\n`)
	r.types("\x04")
	r.leaves()
	info, err := os.Stat(filepath.Join(state, "heapstash", "sql_history"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the history: %v, %v", info, err)
	}
}

// Ctrl-C ends the running statement or drops the typed one. It does not end the program.
func TestPromptIsInterrupted(t *testing.T) {
	p := sqlAtTerminal(t, promptArchive(t), t.TempDir())
	p.types("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 'for ever', max(i) FROM n;\r")
	p.sees(`FROM n;\r\n`)
	time.Sleep(200 * time.Millisecond) // so that it runs
	p.types("\x03")
	p.sees(`heapstash: interrupted\r\nheapstash> $`)
	p.types("SELECT 'half\r")
	p.sees(`\.\.\.> $`)
	p.types("\x03")
	p.sees(`heapstash> $`)
	p.types("SELECT 6 * 7 AS answer;\r")
	p.sees(`answer\r\n-+\r\n +42\r\n`)
	p.types("\x04")
	p.leaves()
}
