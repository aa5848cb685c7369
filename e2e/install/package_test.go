package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"heapstash/e2e/rig"
)

// buildPackage makes the Debian package and returns its path.
func buildPackage(t *testing.T) string {
	t.Helper()
	runMake(t, "deb")
	path := filepath.Join(buildTree(t), "bin", "heapstash_"+debVersion+"_")
	found, err := filepath.Glob(path + "*.deb")
	if err != nil || len(found) != 1 {
		t.Fatalf("there is no one %s*.deb: %q (%v)", path, found, err)
	}
	return found[0]
}

// TestPackage installs the package for real, archives by units and by cron, and removes
// the package.
func TestPackage(t *testing.T) {
	m := rig.NewMachine(t)
	deb := buildPackage(t)
	// Small images exclude documentation from packages; this test needs it.
	m.Put(t, deb, "/root/heapstash.deb")
	m.Do(t, "dpkg --path-include='*' --install /root/heapstash.deb")

	for path, want := range map[string]string{
		"/usr/bin/heapstash":            "root:root 755",
		"/etc/heapstash/heapstash.yaml": "root:root 644",
		"/var/lib/heapstash":            "heapstash:heapstash 750",
	} {
		if got := m.Do(t, "stat --format='%U:%G %a' "+path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	known := strings.Fields(m.Do(t, "dpkg-query --show --showformat='${Version} ${Conffiles}' heapstash"))
	if len(known) != 3 || known[0] != debVersion || known[1] != "/etc/heapstash/heapstash.yaml" {
		t.Errorf("dpkg knows %q, not the version and one file of configuration", known)
	}
	if got := m.Do(t, "heapstash version"); !strings.HasPrefix(got, "heapstash "+version+" ") {
		t.Errorf("the program is %q", got)
	}
	if got := m.Do(t, "find /etc/systemd /etc/cron.d -name '*heapstash*'"); got != "" {
		t.Errorf("the package switches on %s", got)
	}

	t.Run("units", func(t *testing.T) { testUnits(t, m) })
	url := startHeapster(t)
	m.Do(t, `sed -i 's|^heapster_url: ""$|heapster_url: `+url+`|' /etc/heapstash/heapstash.yaml`)
	t.Run("units' commands", func(t *testing.T) { testUnitsCommands(t, m) })
	t.Run("cron", func(t *testing.T) { testCron(t, m) })
	t.Run("man", func(t *testing.T) { testMan(t, m) })
	t.Run("completion", func(t *testing.T) { testCompletion(t, m) })

	m.Do(t, "dpkg --purge heapstash")
	if got := m.Do(t, "find /usr /etc -name '*heapstash*' -not -path '*/heapstash-*'"); got != "" {
		t.Errorf("a purge leaves\n%s", got)
	}
	m.Do(t, "test -s /var/lib/heapstash/heapstash.db") // a purge keeps the archive
}

// TestInstall: make install installs below DESTDIR and PREFIX only, and the units name
// the program there.
func TestInstall(t *testing.T) {
	dir := t.TempDir()
	runMake(t, "install", "DESTDIR="+dir, "PREFIX=/opt/heapstash")
	prefix := filepath.Join(dir, "opt", "heapstash")
	program := filepath.Join(prefix, "bin", "heapstash")
	if got := rig.Run(t, exec.Command(program, "version")); !strings.HasPrefix(got.Stdout, "heapstash "+version+" ") {
		t.Errorf("%s version: %+v", program, got)
	}
	for _, unit := range []string{"heapstash.service", "heapstash-collect.service"} {
		text, err := os.ReadFile(filepath.Join(prefix, "lib", "systemd", "system", unit))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "\nExecStart=/opt/heapstash/bin/heapstash ") {
			t.Errorf("%s starts another program:\n%s", unit, text)
		}
	}
	outside, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(outside) != 1 {
		t.Errorf("make install writes elsewhere: %q (%v)", outside, err)
	}
}

// TestDebianVersion: the versions are valid, and in the order of the git versions.
func TestDebianVersion(t *testing.T) {
	versions := []struct{ described, want string }{
		{"457b7eb", "0~20170714024000.457b7eb"},
		{"457b7eb-dirty", "0~20170714024000.457b7eb+dirty"},
		{"v0.1.0", "0.1.0"},
		{"v1.2.0-beta-2", "1.2.0~beta.2"},
		{"v1.2.0-rc.1", "1.2.0~rc.1"},
		{version, debVersion},
		{"v1.2.0", "1.2.0"},
		{"v1.2.0-dirty", "1.2.0+dirty"},
		{"1.2.1", "1.2.1"},
	}
	before := ""
	for _, v := range versions {
		cmd := exec.Command("../../deploy/debian/version", v.described)
		cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1500000000")
		got := strings.TrimSpace(rig.Run(t, cmd).Stdout)
		if got != v.want {
			t.Errorf("%s becomes %q, want %q", v.described, got, v.want)
		}
		quiet(t, "dpkg --validate-version "+got, exec.Command("dpkg", "--validate-version", got))
		if before != "" {
			quiet(t, before+" lt "+got, exec.Command("dpkg", "--compare-versions", before, "lt", got))
		}
		before = got
	}
}
