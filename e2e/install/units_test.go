package install

import (
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"heapstash/e2e/rig"
)

var services = []string{"heapstash.service", "heapstash-collect.service"}

// testUnits has systemd read the units, and judge what they could still do:
// 0 is nothing, 100 all. What counts is the network, which they are for.
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

// testUnitsCommands runs what the units start, as their user where they do. A
// resident's /readyz tells of its first good pass.
func testUnitsCommands(t *testing.T, m *rig.Machine) {
	oneShot := m.Unit(t, "heapstash-collect.service")
	if got := rig.Run(t, oneShot); got.Code != 0 || !strings.Contains(got.Stdout, "pass 1 ") {
		t.Errorf("%q: %+v", oneShot.Args, got)
	}

	port := freePort(t)
	m.Do(t, `sed -i.good 's|^listen: .*|listen: 127.0.0.1:`+port+`|' /etc/heapstash/heapstash.yaml`)
	defer m.Do(t, "mv /etc/heapstash/heapstash.yaml.good /etc/heapstash/heapstash.yaml")
	resident := m.Unit(t, "heapstash.service")
	var stderr strings.Builder
	resident.Stderr = &stderr
	if err := resident.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- resident.Wait() }()
	deadline := time.After(30 * time.Second)
	for ready := false; !ready; {
		select {
		case err := <-ended:
			t.Fatalf("%q ended: %v\n%s", resident.Args, err, &stderr)
		case <-deadline:
			t.Fatalf("%q is not ready after half a minute", resident.Args)
		case <-time.After(20 * time.Millisecond):
			ready = isOK("http://127.0.0.1:" + port + "/readyz")
		}
	}
	if !isOK("http://127.0.0.1:" + port + "/metrics") {
		t.Error("there are no metrics")
	}
	if got := m.Do(t, "stat --format=%U /var/lib/heapstash/heapstash.db"); got != "heapstash" {
		t.Errorf("the archive is %s's", got)
	}
	if err := resident.Process.Signal(syscall.SIGTERM); err != nil { // as systemd does
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("told to end, %q ends with %v\n%s", resident.Args, err, &stderr)
	}
}

func isOK(url string) bool {
	response, err := http.Get(url)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// freePort is one of loopback's that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
