package config

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"

	"heapstash/cmd/heapstash/schedule"
)

// FuzzConfig checks that each file is refused or gives settings without a fault.
func FuzzConfig(f *testing.F) {
	example, err := os.ReadFile("../../../config.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	for _, seed := range []string{
		"", "tries: 4\ntimeout: 4s", "timeout: 60", "tries: [1]", "collect: {budget: 1s, containers: export}", "collect: 1",
		"limits:\n  export: 16\n  metrics: 1", "limits: {export: 1GB}", "namespace: a", "kinds: [pod, pod]", "exclude_pod: [a/b, '[']",
		"heapster_url: http://u:p@h\nkubeconfig: x", "a.b.c: 1", "collect.budget: 2s", "? [x]\n: y", "x: &a [*a]", "- 1", "!!binary x",
		"listen: ':0'", "schedule: '@every 1ns'", "log_level: debug", "db_file: !!null", "\x00", "{", "1: 2", "timeout: 9e99s",
	} {
		f.Add(seed)
	}
	file := filepath.Join(f.TempDir(), "fuzz.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
		flags.String("config", file, "")
		AddFlags(flags, CommonFlags, AccessFlags, PassFlags, OnceFlags, ResidentFlags)
		if err := flags.Set("config", file); err != nil {
			t.Fatal(err)
		}
		cfg, err := Load(flags, io.Discard)
		if err != nil {
			if err.Error() == "" {
				t.Errorf("%q: an error without a word", text)
			}
			return
		}
		if faults := cfg.Validate(); len(faults) > 0 {
			t.Errorf("%q: %v", text, faults)
		}
		if _, err := schedule.Parse(cfg.Schedule); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}
