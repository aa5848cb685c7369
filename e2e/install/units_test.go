package install

import (
	"strings"
	"testing"

	"heapstash/e2e/rig"
)

var services = []string{"heapstash.service", "heapstash-collect.service"}

// testUnits: systemd finds no fault in the units, and rates their exposure at 15 of 100
// at most. They need the network, which counts most.
func testUnits(t *testing.T, m *rig.Machine) {
	units := append([]string{"systemd-analyze", "verify", "heapstash-collect.timer"}, services...)
	quiet(t, strings.Join(units, " "), m.As("root", "/", units...))
	for _, service := range services {
		got := rig.Run(t, m.As("root", "/", "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=15", service))
		if got.Code != 0 {
			t.Errorf("%s: %+v", service, got)
		}
	}
}

// testUnitsCommands runs the units' commands as their user in their directory. /readyz
// of the resident answers after its first good pass.
func testUnitsCommands(t *testing.T, m *rig.Machine) {
	oneShot := m.Unit(t, "heapstash-collect.service")
	if got := rig.Run(t, oneShot); got.Code != 0 || !strings.Contains(got.Stdout, "pass 1 ") {
		t.Errorf("%q: %+v", oneShot.Args, got)
	}

	port, err := rig.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	m.Do(t, `sed -i.good 's|^listen: .*|listen: 127.0.0.1:`+port+`|' /etc/heapstash/heapstash.yaml`)
	defer m.Do(t, "mv /etc/heapstash/heapstash.yaml.good /etc/heapstash/heapstash.yaml")
	rig.WhileReady(t, m.Unit(t, "heapstash.service"), "http://127.0.0.1:"+port+"/readyz", func() {
		if !rig.Answers("http://127.0.0.1:" + port + "/metrics") {
			t.Error("there are no metrics")
		}
		if got := m.Do(t, "stat --format=%U /var/lib/heapstash/heapstash.db"); got != "heapstash" {
			t.Errorf("the archive is %s's", got)
		}
	})
}
