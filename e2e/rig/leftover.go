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

// Network namespaces and directories of these tests are named for the process that
// made them: its id and its start time, because ids are reused. So the leftovers of
// a killed process are recognized, and nothing else is removed.

// namePrefix begins the names of network namespaces and directories.
const namePrefix = "heapstash-e2e-"

// owned returns the name for everything that this process makes.
func owned() (string, error) {
	started, err := startOf(os.Getpid())
	return fmt.Sprintf("%s%d-%s", namePrefix, os.Getpid(), started), err
}

// orphaned reports whether a name belongs to a process that has ended.
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

// startOf returns the start time of a process in ticks since the kernel's boot.
func startOf(pid int) (string, error) {
	fields, err := statOf(pid)
	if err != nil {
		return "", err
	}
	const startTime = 19 // from the state on
	return fields[startTime], nil
}

// Scratch makes a directory for all temporary files of this process, also the files of
// testing.T. It removes the leftovers of killed processes: directories,
// which contain keys, and network namespaces.
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

// RemoveLeftovers removes the leftovers of processes that have ended.
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
			errs = append(errs, removeScratch(filepath.Join(os.TempDir(), entry.Name())))
		}
	}
	return errors.Join(errs...)
}

// removeScratch removes a directory and the mounts in it.
func removeScratch(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(mounts)) {
		if path := strings.Fields(line)[1]; strings.HasPrefix(path, dir+"/") {
			if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
				return fmt.Errorf("unmounting %s: %w", path, err)
			}
		}
	}
	return os.RemoveAll(dir)
}

// namespaces returns the names of this machine's network namespaces. It returns
// none to other users than root, and on a machine without iproute2.
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

// OnInterrupt makes this process clean up on SIGINT, SIGTERM and SIGHUP: it kills
// its servers, removes its network namespace and directory, and exits with 130.
func OnInterrupt() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-told
		signal.Reset() // a second signal ends it at once
		if err := abandon(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(130)
	}()
}

// abandon cleans up, and keeps the lock so that no more servers start.
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
		err = errors.Join(err, removeScratch(os.Getenv("TMPDIR")))
	}
	return err
}

// running has the servers that have not ended.
var running struct {
	sync.Mutex
	all map[*process]bool
}

// diesWithParent makes the kernel kill this process when the thread that started it
// ends. It must be called again after a change of the user.
func diesWithParent(parent int) error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("asking to die with the parent: %w", err)
	}
	if os.Getppid() != parent {
		return errors.New("the parent is gone")
	}
	return nil
}
