// Package need has what tests need of the machine: programs and files. On a machine
// without a program, the test is left out. Make lists such tests at its end; go test
// does not.
package need

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// list is the variable with the name of a file for that list.
const list = "TEST_LEFT_OUT"

// Program returns the path of a program. If the program is not installed, it leaves the
// test out.
func Program(tb testing.TB, name string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Skip(tb, fmt.Errorf("%s is not installed", name))
	}
	return path
}

// Skip leaves the test out.
func Skip(tb testing.TB, why error) {
	tb.Helper()
	LeaveOut(tb.Name(), why)
	tb.Skip(why)
}

// LeaveOut adds a line to the list. Several processes may do so at the same time.
func LeaveOut(what string, why error) {
	line := fmt.Sprintf("%s: %v\n", what, why)
	fmt.Fprint(os.Stderr, "left out: ", line)
	path := os.Getenv(list)
	if path == "" {
		return
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer file.Close()
	if _, err := file.WriteString(line); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
