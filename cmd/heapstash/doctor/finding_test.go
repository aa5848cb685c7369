package doctor

import (
	"strings"
	"testing"
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
