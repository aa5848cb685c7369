package install

import (
	"strings"
	"testing"
)

var services = []string{"heapstash.service", "heapstash-collect.service"}

// testUnits has systemd read the units, and judge what they could still do:
// 0 is nothing, 100 all. What counts is the network, which they are for.
func testUnits(t *testing.T, m *machine) {
	units := append([]string{"systemd-analyze", "verify", "heapstash-collect.timer"}, services...)
	runCommand(t, m.as("root", "/", units...)).quiet(t, strings.Join(units, " "))
	for _, service := range services {
		got := runCommand(t, m.as("root", "/", "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=15", service))
		if got.code != 0 {
			t.Errorf("%s: %+v", service, got)
		}
	}
}

// testUnitsCommand runs what the one-shot unit starts, as its user where it
// does.
func testUnitsCommand(t *testing.T, m *machine) {
	settings := make(map[string]string)
	for line := range strings.Lines(m.do(t, "cat /usr/lib/systemd/system/heapstash-collect.service")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		settings[name] = value
	}
	got := runCommand(t, m.as(settings["User"], settings["WorkingDirectory"], strings.Fields(settings["ExecStart"])...))
	if got.code != 0 || !strings.Contains(got.stdout, "pass 1 ") {
		t.Errorf("%s: %+v", settings["ExecStart"], got)
	}
}
