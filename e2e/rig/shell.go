package rig

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"heapstash/internal/need"
)

// Shell runs a script in the stock sqlite3 shell. Columns are separated by tabs
// and NULL is spelled NULL, unless flags of the shell change that.
func Shell(ctx context.Context, archive, script string, flags ...string) (string, error) {
	arguments := append([]string{"-batch", "-bail", "-tabs", "-nullvalue", "NULL", "-cmd", ".timeout 10000"}, flags...)
	cmd := exec.CommandContext(ctx, "sqlite3", append(arguments, archive)...)
	cmd.Stdin = strings.NewReader(script)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("sqlite3: %w\n%s\n%.2000s", err, &stderr, script)
	}
	if stderr.Len() > 0 {
		return "", fmt.Errorf("sqlite3: %s\n%.2000s", &stderr, script)
	}
	return stdout.String(), nil
}

// SQL runs a script that only reads, by [Shell], and returns its output without
// the white space around it.
func SQL(tb testing.TB, archive, script string, flags ...string) string {
	tb.Helper()
	need.Program(tb, "sqlite3")
	out, err := Shell(tb.Context(), archive, script, append([]string{"-readonly"}, flags...)...)
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSpace(out)
}
