package cluster

import (
	"strings"
	"testing"
	"time"

	"heapstash/e2e/rig"
)

// TestREADMEsAdminHost installs the package and runs the commands of
// docs/install.md for an admin host, one way after the other. systemd and cron do not
// run there, so the test starts their commands itself.
func TestREADMEsAdminHost(t *testing.T) {
	t.Parallel() // with what does without Heapster
	defer restartHeapster(t)
	deb, err := rig.BuildPackage()
	if err != nil {
		t.Fatal(err)
	}
	m := rig.NewMachine(t)
	m.Put(t, deb, "/root/bin/heapstash_1_all.deb")
	m.Put(t, cluster.AdminConf, "/root/admin.conf")
	// Small images exclude documentation from packages.
	m.Do(t, "echo 'path-include=*' >/etc/dpkg/dpkg.cfg.d/zz-everything")

	all := blocks(section(t, "docs/install.md", "On an admin host"), "console")
	var lines []string
	for _, block := range all {
		for line := range strings.Lines(block) {
			if line, root := strings.CutPrefix(strings.TrimSpace(line), "# "); root {
				lines = append(lines, line)
			}
		}
	}
	sim := newCluster()
	for _, line := range lines {
		feed(t, sim, time.Second)
		// systemctl enables units. It cannot start them; the test does.
		run := strings.Replace(line, "systemctl enable --now ", "systemctl enable ", 1)
		got := rig.Run(t, m.As("root", "/root", "SYSTEMD_OFFLINE=1", "bash", "-e", "-c", run)).Want(t, 0)
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "systemctl enable --now heapstash "):
			const listen = "http://127.0.0.1:9278" // as docs/install.md has it
			rig.WhileReady(t, m.Unit(t, "heapstash.service"), listen+"/readyz", func() {
				if !rig.Answers(listen + "/metrics") {
					t.Error("there are no metrics")
				}
			})
		case strings.HasPrefix(line, "systemctl enable --now heapstash-collect.timer "):
			rig.Run(t, m.Unit(t, "heapstash-collect.service")).Want(t, 0)
		case strings.HasPrefix(line, "systemctl"):
			t.Errorf("a unit that is not tested: %s", line)
		case strings.HasPrefix(line, "cp ") && strings.HasPrefix(words[2], "/etc/cron.d/"):
			if o := rig.Run(t, m.Cron(t, words[2])).Want(t, 0); o.Stdout+o.Stderr != "" {
				t.Errorf("cron would mail\n%s%s", o.Stdout, o.Stderr)
			}
		case strings.Contains(line, " heapstash sql "):
			number(t, got.Stdout, 100)
		}
	}
	passes := m.Do(t, `runuser -u heapstash -- heapstash sql --config /etc/heapstash/heapstash.yaml "SELECT count(*) FROM passes WHERE outcome = 'complete'"`)
	number(t, passes, 3)
}
