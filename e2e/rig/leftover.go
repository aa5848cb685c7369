package rig

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// What a process of these tests makes outside of itself has a name that ends in
// whose it is: the process's id, and when it was started, for ids come again.
// So what a killed one leaves is known as such, and nobody else's is touched.

// namePrefix begins the names of network namespaces and directories.
const namePrefix = "heapstash-e2e-"

// owned is the name of what is this process's.
func owned() (string, error) {
	started, err := startOf(os.Getpid())
	return fmt.Sprintf("%s%d-%s", namePrefix, os.Getpid(), started), err
}

// orphaned reports whether that is the name of what was a process's that is no
// more.
func orphaned(name string) bool {
	var pid int
	var started string
	rest, ours := strings.CutPrefix(name, namePrefix)
	if n, err := fmt.Sscanf(strings.ReplaceAll(rest, "-", " "), "%d %s", &pid, &started); !ours || n != 2 || err != nil {
		return false
	}
	now, err := startOf(pid)
	return errors.Is(err, os.ErrNotExist) || err == nil && now != started
}

// startOf is when a process was started, in the kernel's ticks since its boot.
func startOf(pid int) (string, error) {
	fields, err := statOf(pid)
	if err != nil {
		return "", err
	}
	const startTime = 19 // from the state on
	return fields[startTime], nil
}

// Scratch makes a directory for all temporary files of this process, those of
// testing.T among them, and removes what processes that were killed have left:
// their directories, which hold keys, and their network namespaces.
func Scratch() (dir string, err error) {
	if err := RemoveLeftovers(); err != nil {
		return "", err
	}
	name, err := owned()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(os.TempDir(), name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	return dir, os.Setenv("TMPDIR", dir)
}

// RemoveLeftovers removes what is of processes that are no more.
func RemoveLeftovers() error {
	spaces, err := namespaces()
	errs := []error{err}
	for _, name := range spaces {
		if orphaned(name) {
			errs = append(errs, ip("netns delete "+name))
		}
	}
	entries, err := os.ReadDir(os.TempDir())
	errs = append(errs, err)
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && orphaned(entry.Name()) && info.Sys().(*syscall.Stat_t).Uid == uint32(os.Geteuid()) {
			errs = append(errs, os.RemoveAll(filepath.Join(os.TempDir(), entry.Name())))
		}
	}
	return errors.Join(errs...)
}

// namespaces are the names of this machine's network namespaces, for root: none
// where nobody could have made one.
func namespaces() ([]string, error) {
	if _, err := exec.LookPath("ip"); err != nil || os.Geteuid() != 0 {
		return nil, nil
	}
	out, err := exec.Command("ip", "netns", "list").Output()
	if err != nil {
		return nil, fmt.Errorf("ip netns list: %w", err)
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		names = append(names, strings.Fields(line)[0])
	}
	return names, nil
}

// OnInterrupt has this process, if it is told to end, kill the servers that it
// started, remove its network namespace and its directory, and end with 130.
func OnInterrupt() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-told
		signal.Reset() // whoever is impatient asks again
		if err := abandon(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(130)
	}()
}

// abandon does that. No server is started any more, and what the tests are
// about does not matter.
func abandon() error {
	running.Lock()
	for p := range running.all {
		_ = p.command.Process.Kill()
		<-p.exited
	}
	name, err := owned()
	if err != nil {
		return err
	}
	spaces, err := namespaces()
	if slices.Contains(spaces, name) {
		err = errors.Join(err, ip("netns delete "+name))
	}
	if filepath.Base(os.Getenv("TMPDIR")) == name {
		err = errors.Join(err, os.RemoveAll(os.Getenv("TMPDIR")))
	}
	return err
}

// running are the servers that were started and have not ended.
var running struct {
	sync.Mutex
	all map[*process]bool
}

// diesWithParent has the kernel kill this process, or what it becomes, when the
// thread that started it ends. Whoever changes users must ask for it again.
func diesWithParent(parent int) error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("asking to die with the parent: %w", err)
	}
	if os.Getppid() != parent {
		return errors.New("the parent is gone")
	}
	return nil
}
