package rig

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Machine is this machine in a mount namespace. An overlay takes all writes, so
// packages can be installed for real and leave nothing behind. Processes and the
// network are this machine's. systemd does not run.
type Machine struct {
	root   string
	holder *exec.Cmd // holds the namespace, until its stdin ends
}

const overlay = `
mount -t tmpfs tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
for dir in proc dev sys; do mount --rbind /$dir root/$dir; done
mount -t tmpfs tmpfs root/run # no systemd runs in there
echo ready
cat >/dev/null`

// NewMachine makes a machine that ends with the test.
func NewMachine(tb testing.TB) *Machine {
	tb.Helper()
	NeedRoot(tb)
	dir := tb.TempDir()
	m := &Machine{root: filepath.Join(dir, "root")}
	m.holder = exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-ec", overlay, "sh", dir)
	m.holder.Stderr = os.Stderr
	stdin, err := m.holder.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := m.holder.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := m.holder.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		stdin.Close()
		if err := m.holder.Wait(); err != nil {
			tb.Error(err)
		}
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		tb.Fatalf("no overlay: %v", err)
	}
	return m
}

// As returns a command in the machine, as a user in a directory. Its environment
// has only PATH and the NAME=VALUE pairs in front of the command.
func (m *Machine) As(user, dir string, command ...string) *exec.Cmd {
	arguments := []string{
		"--target", strconv.Itoa(m.holder.Process.Pid), "--mount",
		"chroot", "--userspec=" + user + ":" + user, m.root,
		"env", "--ignore-environment", "--chdir=" + dir, "PATH=" + os.Getenv("PATH"),
	}
	return exec.Command("nsenter", append(arguments, command...)...)
}

// Do runs a script as root and returns its stdout. The script must succeed.
func (m *Machine) Do(tb testing.TB, script string) string {
	tb.Helper()
	var stdout, stderr strings.Builder
	command := m.As("root", "/", "DEBIAN_FRONTEND=noninteractive", "sh", "-ec", script)
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		tb.Fatalf("%s: %v\n%s%s", script, err, &stdout, &stderr)
	}
	return strings.TrimSpace(stdout.String())
}

// Put copies a file of this machine into it, readable by root only.
func (m *Machine) Put(tb testing.TB, from, to string) {
	tb.Helper()
	file, err := os.Open(from)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	command := m.As("root", "/", "install", "-D", "-m", "600", "/dev/stdin", to)
	command.Stdin = file
	if out, err := command.CombinedOutput(); err != nil {
		tb.Fatalf("copying %s: %v\n%s", from, err, out)
	}
}

// Unit returns the command of a systemd service, as its user in its directory. The
// unit's restrictions do not apply.
func (m *Machine) Unit(tb testing.TB, service string) *exec.Cmd {
	tb.Helper()
	settings := make(map[string]string)
	for line := range strings.Lines(m.Do(tb, "cat /usr/lib/systemd/system/"+service)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		settings[name] = value
	}
	return m.As(settings["User"], settings["WorkingDirectory"], strings.Fields(settings["ExecStart"])...)
}

// Cron returns the command of a file for /etc/cron.d as cron starts it. The file
// must have one command.
func (m *Machine) Cron(tb testing.TB, file string) *exec.Cmd {
	tb.Helper()
	var variables, fields []string
	for line := range strings.Lines(m.Do(tb, "cat "+file)) {
		switch line = strings.TrimSpace(line); {
		case line == "" || strings.HasPrefix(line, "#"):
		case len(strings.Fields(line)) == 1:
			variables = append(variables, line)
		case fields == nil:
			fields = strings.SplitN(line, " ", 7)
		default:
			tb.Fatalf("a second line: %s", line)
		}
	}
	if len(fields) < 7 {
		tb.Fatalf("%s has no line of cron's", file)
	}
	if strings.Contains(fields[6], "%") {
		tb.Error("cron would take the % for a newline")
	}
	user, command := fields[5], fields[6]
	home := m.Do(tb, "getent passwd "+user+" | cut -d: -f6")
	shell := append([]string{"HOME=" + home, "LOGNAME=" + user}, variables...)
	return m.As(user, home, append(shell, "sh", "-c", command)...)
}
