package install

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"heapstash/e2e/rig"
)

// machine is this machine in a mount namespace, where an overlay takes what is
// written. So packages can be installed for real, and nothing stays of them.
type machine struct {
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

func newMachine(t *testing.T) *machine {
	t.Helper()
	rig.NeedRoot(t)
	dir := t.TempDir()
	m := &machine{root: filepath.Join(dir, "root")}
	m.holder = exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-ec", overlay, "sh", dir)
	m.holder.Stderr = os.Stderr
	stdin, err := m.holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := m.holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := m.holder.Wait(); err != nil {
			t.Error(err)
		}
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("no overlay: %v", err)
	}
	return m
}

// as returns a command in the machine, of that user in that directory, with no
// other variables than those given as NAME=VALUE before it.
func (m *machine) as(user, dir string, command ...string) *exec.Cmd {
	arguments := []string{
		"--target", strconv.Itoa(m.holder.Process.Pid), "--mount",
		"chroot", "--userspec=" + user + ":" + user, m.root,
		"env", "--ignore-environment", "--chdir=" + dir, "PATH=" + os.Getenv("PATH"),
	}
	return exec.Command("nsenter", append(arguments, command...)...)
}

// do runs a script as root, which must succeed, and returns its stdout.
func (m *machine) do(t *testing.T, script string) string {
	t.Helper()
	got := runCommand(t, m.as("root", "/", "DEBIAN_FRONTEND=noninteractive", "sh", "-ec", script))
	if got.code != 0 {
		t.Fatalf("%s: exit code %d\n%s%s", script, got.code, got.stdout, got.stderr)
	}
	return strings.TrimSpace(got.stdout)
}
