package rig

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// podInitVariable has a podInit as JSON, in the process that becomes a pod.
const podInitVariable = "E2E_POD"

// RunPodInit becomes the pod that the environment describes, and then does not
// return. A program that uses [Pod.Command] calls it first.
func RunPodInit() {
	text, ok := os.LookupEnv(podInitVariable)
	if !ok {
		return
	}
	os.Unsetenv(podInitVariable)
	var init podInit
	err := json.Unmarshal([]byte(text), &init)
	if err == nil {
		err = init.run()
	}
	fmt.Fprintln(os.Stderr, "starting the pod:", err)
	os.Exit(125)
}

func (p podInit) run() error {
	runtime.LockOSThread() // capabilities and the namespace belong to the thread
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := bind(p.Root, p.Root, true); err != nil {
		return err
	}
	for _, v := range p.Volumes {
		at := filepath.Join(p.Root, v.At)
		var err error
		if v.From == "" {
			err = unix.Mount("tmpfs", at, "tmpfs", 0, "mode=1777")
		} else {
			err = bind(v.From, at, v.ReadOnly)
		}
		if err != nil {
			return fmt.Errorf("mounting %s: %w", v.At, err)
		}
	}
	if err := unix.Chroot(p.Root); err != nil {
		return fmt.Errorf("chroot: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := dropPrivileges(); err != nil {
		return err
	}
	if err := syscall.Setgroups(p.Groups); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if err := syscall.Setgid(p.GID); err != nil {
		return fmt.Errorf("setgid: %w", err)
	}
	if err := syscall.Setuid(p.UID); err != nil {
		return fmt.Errorf("setuid: %w", err)
	}
	if err := diesWithParent(p.Parent); err != nil {
		return err
	}
	return syscall.Exec(p.Command[0], p.Command, os.Environ())
}

func bind(from, at string, readOnly bool) error {
	if err := unix.Mount(from, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mounting %s: %w", at, err)
	}
	if !readOnly {
		return nil
	}
	return unix.Mount("", at, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
}

// dropPrivileges empties the bounding set of capabilities, and keeps executed files
// from adding any.
func dropPrivileges() error {
	for c := uintptr(0); ; c++ {
		// Setuid still works: it needs the permitted set only.
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) {
			break // the last capability of this kernel
		}
		if err != nil {
			return fmt.Errorf("dropping capability %d: %w", c, err)
		}
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}
