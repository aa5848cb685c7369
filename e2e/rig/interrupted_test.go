package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"heapstash/internal/need"
)

// victim is the environment variable of a process that the test kills.
const victim = "E2E_VICTIM"

func TestMain(m *testing.M) {
	RunPodInit()
	if os.Getenv(victim) != "" {
		if err := beVictim(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		select {}
	}
	able, err := NeedNetwork("how the tests' own traces go")
	if !able {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// beVictim makes a directory, a namespace, a server and a pod, and prints their
// names and ids.
func beVictim() error {
	dir, err := Scratch()
	if err != nil {
		return err
	}
	OnInterrupt()
	n, err := NewNetwork(1)
	if err != nil {
		return err
	}
	server, err := start(exec.Command("sleep", "600"))
	if err != nil {
		return err
	}
	pod := Pod{init: podInit{Root: "/", UID: 65532, GID: 65532, Command: []string{"/bin/sh", "-c", "echo running; exec sleep 600"}}}
	command, err := pod.Command(context.Background())
	if err != nil {
		return err
	}
	stdout, err := command.StdoutPipe()
	if err == nil {
		err = need.Start(command)
	}
	if err == nil { // the change of the user cancels the Pdeathsig
		_, err = stdout.Read(make([]byte, 1))
	}
	if err != nil {
		return err
	}
	_, err = fmt.Println(dir, n.name, server.command.Process.Pid, command.Process.Pid)
	return err
}

// TestNothingIsLeft ends a process by signals. On SIGINT and SIGTERM it removes all
// that it made. After SIGKILL, the kernel ends its processes, and the next process
// removes the rest.
func TestNothingIsLeft(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			self := exec.Command(os.Args[0])
			self.Env = append(os.Environ(), victim+"=1")
			self.Stderr = os.Stderr
			stdout, err := self.StdoutPipe()
			if err == nil {
				err = self.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			var dir, space string
			var server, pod int
			if _, err := fmt.Fscan(stdout, &dir, &space, &server, &pod); err != nil {
				t.Fatal(err)
			}
			if got := left(t, dir, space); len(got) != 2 {
				t.Fatalf("there is %q, want a directory and a namespace", got)
			}
			pods, err := unix.PidfdOpen(pod, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(pods)
			servers, err := unix.PidfdOpen(server, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(servers)

			if err := self.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			err = self.Wait()
			if told := signal != syscall.SIGKILL; told && self.ProcessState.ExitCode() != 130 {
				t.Errorf("it ends with %v, want exit code 130", err)
			} else if told && len(left(t, dir, space)) > 0 {
				t.Errorf("it leaves %q", left(t, dir, space))
			}
			for what, fd := range map[string]int{"server": servers, "pod": pods} {
				ended := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
				n, err := unix.Poll(ended, 10_000)
				for err == unix.EINTR {
					n, err = unix.Poll(ended, 10_000)
				}
				if n != 1 || err != nil {
					t.Errorf("its %s goes on (%v)", what, err)
				}
			}
			if err := RemoveLeftovers(); err != nil {
				t.Error(err)
			}
			if got := left(t, dir, space); len(got) > 0 {
				t.Errorf("the next one leaves %q", got)
			}
		})
	}
}

// left returns which of a directory and a network namespace still exist.
func left(t *testing.T, dir, space string) (found []string) {
	t.Helper()
	if _, err := os.Stat(dir); err == nil {
		found = append(found, dir)
	} else if !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	spaces, err := namespaces()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(spaces, space) {
		found = append(found, space)
	}
	return found
}

// TestOrphans: names of ended processes, and no others, are orphaned.
func TestOrphans(t *testing.T) {
	mine, err := owned()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		mine:                                  false,
		mine + "0":                            true, // another process had this id before
		namePrefix + "4194999-1":              true, // higher than any id
		namePrefix + "x":                      false,
		namePrefix + "4194999":                false,
		"heapstash-4194999-1":                 false,
		strings.ToUpper(namePrefix) + "1-100": false,
	} {
		if got := orphaned(name); got != want {
			t.Errorf("%s: orphaned %t, want %t", name, got, want)
		}
	}
}
