package install

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"heapstash/e2e/rig"
)

// TestStatic: the program needs no loader and no library, and the linker does not warn
// of functions that load libraries at run time.
func TestStatic(t *testing.T) {
	program, err := elf.Open(filepath.Join(buildTree(t), "bin", "static", "heapstash"))
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP {
			t.Error("the program asks for a loader")
		}
	}
	if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("it asks for the libraries %q (%v)", libraries, err)
	}
	if output := builtTree().output; strings.Contains(output, "warning") {
		t.Errorf("its build warns:\n%s", output)
	}
}

// TestEmptyRoot archives as the image's user, without any other file and without an
// environment.
func TestEmptyRoot(t *testing.T) {
	rig.NeedRoot(t)
	root := filepath.Join(scratch, "root")
	if err := os.MkdirAll(filepath.Join(root, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(root, "data"), 65532, 65532); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(buildTree(t), "bin", "static", "heapstash"), filepath.Join(root, "heapstash")); err != nil {
		t.Fatal(err)
	}
	heapstash := func(arguments ...string) rig.Outcome {
		cmd := exec.Command("/heapstash", arguments...)
		cmd.Dir = "/"
		cmd.Env = []string{}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
		return rig.Run(t, cmd)
	}

	if got := heapstash("version"); got.Code != 0 || !strings.HasPrefix(got.Stdout, "heapstash "+version+" (") {
		t.Errorf("version: %+v", got)
	}
	if got := heapstash("collect", "--heapster-url", startHeapster(t), "--db-file", "/data/heapstash.db"); got.Code != 0 {
		t.Fatalf("collect: %+v", got)
	}
	const question = "SELECT count(DISTINCT pod) AS pods FROM pod"
	if got := heapstash("sql", "--db-file", "/data/heapstash.db", "--format", "csv", question); got.Code != 0 || got.Stdout != "pods\n6\n" {
		t.Errorf("sql: %+v", got)
	}
	// The C library would load others to resolve a name, or crash.
	got := heapstash("collect", "--heapster-url", "http://heapster.invalid:8082", "--db-file", "/data/other.db", "--tries", "1")
	if got.Code != 1 || !strings.Contains(got.Stderr, "heapster.invalid") {
		t.Errorf("collect from an unknown name: %+v", got)
	}
}
