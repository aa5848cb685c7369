package install

import (
	"os/exec"
	"strings"
	"testing"

	"heapstash/e2e/rig"
)

// testCron runs the line of the example as cron does. Cron mails the output: nothing
// after a pass, and the reason if a pass fails.
func testCron(t *testing.T, m *rig.Machine) {
	const example = "/usr/share/doc/heapstash/examples/cron"
	// crontab's files have no user.
	m.Do(t, "sed 's|^\\* \\* \\* \\* \\* heapstash |* * * * * |' "+example+" >/tmp/crontab")
	if got := rig.Run(t, m.As("root", "/", "crontab", "-n", "/tmp/crontab")); got.Code != 0 {
		t.Errorf("crontab -n: %+v", got)
	}

	cron := func() *exec.Cmd { return m.Cron(t, example) }
	quiet(t, "a pass", cron())
	if got := m.Do(t, "heapstash sql --db-file /var/lib/heapstash/heapstash.db --format csv 'SELECT count(*) > 1 AS passes FROM passes'"); got != "passes\n1" {
		t.Errorf("the pass is not in the archive: %q", got)
	}

	// With the lock taken for a second, it waits silently.
	const locked = "exec 9>>/var/lib/heapstash/heapstash.db.lock; flock 9; echo locked; sleep 1"
	holder := m.As("heapstash", "/", "sh", "-c", locked)
	stdout, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, len("locked\n"))); err != nil {
		t.Fatal(err)
	}
	quiet(t, "a pass after another", cron())
	if err := holder.Wait(); err != nil {
		t.Error(err)
	}

	m.Do(t, `sed -i.good 's|^heapster_url: .*|heapster_url: http://127.0.0.1:1|' /etc/heapstash/heapstash.yaml`)
	got := rig.Run(t, cron())
	if got.Code != 1 || got.Stdout != "" || !strings.HasPrefix(got.Stderr, "heapstash: ") || !strings.Contains(got.Stderr, "127.0.0.1:1") {
		t.Errorf("without a Heapster, cron mails %q (exit code %d)", got.Stdout+got.Stderr, got.Code)
	}
	m.Do(t, "mv /etc/heapstash/heapstash.yaml.good /etc/heapstash/heapstash.yaml")
}
