package passes

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/internal/need"
)

const rulesFile = "../../../deploy/prometheus/heapstash.rules.yml"

// exposition returns the file that a pass of collect writes. Other metrics of run are
// left out, because the alerts must work for both.
func exposition(t *testing.T) []byte {
	t.Helper()
	f, _ := textfileIn(t)
	summary := collect.Summary{Holes: []archive.Hole{{Cause: archive.CauseLate}}}
	if err := f.Write(summary, time.Now(), time.Second, nil); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(f.Cfg.MetricsTextfile)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The alerts use metrics and values of labels that exist.
func TestRulesAreOnMetricsThatThereAre(t *testing.T) {
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	exposed := string(exposition(t))
	used := regexp.MustCompile(`(heapstash_[a-z_]+)(?:\{([^}]*)\})?`).FindAllStringSubmatch(string(text), -1)
	if len(used) < 10 {
		t.Fatalf("only %d metrics are used", len(used))
	}
	for _, match := range used {
		series, found := match[1], false
		for line := range strings.Lines(exposed) {
			found = found || strings.HasPrefix(line, series+"{") && strings.Contains(line, match[2])
		}
		if !found {
			t.Errorf("%s is used and not exposed", match[0])
		}
	}
}

// Each alert says how bad it is, what it is, and what to do.
func TestRulesAreExplained(t *testing.T) {
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	alerts := strings.Split(string(text), "- alert: ")[1:]
	for _, alert := range alerts {
		name, _, _ := strings.Cut(alert, "\n")
		for _, want := range []string{"      severity: ", "      summary: ", "      description: "} {
			if strings.Count(alert, "\n"+want) != 1 {
				t.Errorf("%s has not one%s", name, strings.TrimRight(want, ": "))
			}
		}
	}
}

// Prometheus's own tool checks the rules, their tests, and the names of the metrics.
func TestRulesByPromtool(t *testing.T) {
	promtool := need.Program(t, "promtool")
	for _, args := range [][]string{
		{"check", "rules", rulesFile},
		{"test", "rules", strings.Replace(rulesFile, ".yml", ".test.yml", 1)},
		{"check", "metrics"},
	} {
		cmd := exec.Command(promtool, args...)
		cmd.Stdin = bytes.NewReader(exposition(t))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
