package doctor

import (
	"strings"
	"testing"
	"time"
)

func TestPrint(t *testing.T) {
	report := Report{
		ok("build", "all %s", "right"),
		warning("file-system", "move it\nor\n\nnot", "odd"),
		fault("access", "", "100%% gone"),
	}
	const want = `ok       build        all right
warning  file-system  odd
           move it
           or

           not
fault    access       100% gone

3 checks: 1 fault, 1 warning
`
	var b strings.Builder
	if err := report.Print(&b); err != nil {
		t.Fatal(err)
	}
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestSpell(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 400 * time.Millisecond: "0s", 10 * time.Second: "10s", time.Minute: "1m", 90 * time.Second: "1m30s",
		10 * time.Minute: "10m", time.Hour: "1h", time.Hour + 10*time.Minute: "1h10m", 20 * time.Hour: "20h", time.Hour + time.Second: "1h0m1s",
	} {
		if got := Spell(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
