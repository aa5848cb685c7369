package kube_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"heapstash/heapster/kube"
)

// Client-go reads the service account at a fixed place. The test therefore runs in a
// mount namespace of its own, with a directory of the test at that place.
func TestInCluster(t *testing.T) {
	const (
		inside  = "TEST_SERVICE_ACCOUNT"
		account = "/var/run/secrets/kubernetes.io/serviceaccount"
	)
	if dir := os.Getenv(inside); dir != "" {
		// /var/run is often a link, which a mount follows.
		if err := syscall.Mount("tmpfs", "/var/run", "tmpfs", 0, ""); err != nil {
			t.Skip("mounting: ", err)
		}
		if err := os.CopyFS(account, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if err := get(t, kube.Options{}); err != nil {
			t.Fatal(err)
		}
		return
	}

	server, caFile, asked := secureServer(t, nil)
	dir := t.TempDir()
	if err := os.Rename(caFile, filepath.Join(dir, "ca.crt")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("account"), 0o600); err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestInCluster$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"="+dir, "KUBECONFIG="+filepath.Join(dir, "none"),
		"KUBERNETES_SERVICE_HOST="+host, "KUBERNETES_SERVICE_PORT="+port)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exited *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exited):
		t.Skip("no namespaces here: ", err)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	case err != nil || *asked != "Bearer account":
		t.Errorf("sent %q, error %v:\n%s", *asked, err, out)
	}
}
