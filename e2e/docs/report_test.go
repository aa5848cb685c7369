package docs

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/e2e/rig"
)

// TestReportsAreTheCookbook: heapstash report, the page's SQL in the stock shell, and
// the SQL of --explain give the same.
func TestReportsAreTheCookbook(t *testing.T) {
	heapstash, err := rig.BuildHeapstash()
	if err != nil {
		t.Fatal(err)
	}
	reports := map[string][]string{
		"Which namespace grew, and when?":                   {"growth"},
		"Who asks for more than it uses, and who for less?": {"sizing"},
		"The same for workloads, whose pods come and go":    {"sizing", "--by", "owner"},
		"Which pods are idle?":                              {"idle"},
		"What moved most since last week?":                  {"movers"},
		"How full are the nodes?":                           {"packing"},
	}
	found := 0
	for _, r := range cookbook(t) {
		args, is := reports[r.heading]
		if !is {
			continue
		}
		found++
		args = append([]string{"report", "--db-file", archived(t), "--until", end.Format(time.DateOnly), "--format", "csv"}, args...)
		run := func(more ...string) string {
			out, err := exec.Command(heapstash, append(slices.Clone(args), more...)...).Output()
			if err != nil {
				t.Fatalf("%v: %v", args, err)
			}
			return string(out)
		}
		want := cells(t, shell(t, then(r.sql), "-header", "-csv"))
		if len(want) < 10 {
			t.Errorf("%s: %v", r.heading, want)
		}
		if got := cells(t, run()); !slices.EqualFunc(got, want, sameCell) {
			t.Errorf("%s: it gives\n%v\nrather than\n%v", r.heading, got, want)
		}
		explained := run("--explain")
		if _, same, _ := strings.Cut(explained, "\n"); !strings.HasSuffix(strings.TrimSpace(r.sql), strings.TrimSpace(same)) {
			t.Errorf("%s: it explains\n%s", r.heading, explained)
		}
		if got := cells(t, shell(t, explained, "-header", "-csv")); !slices.EqualFunc(got, want, sameCell) {
			t.Errorf("%s: what it explains gives\n%v\nrather than\n%v", r.heading, got, want)
		}
	}
	if found != len(reports) {
		t.Errorf("%d of %d reports are on the page", found, len(reports))
	}
}
