package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/e2e/oracle"
	"heapstash/internal/need"
)

// story is what happens to one Heapster and one archive. Its verbs are feed,
// restart and collect; after every collect the archive is compared with the
// oracle.
type story struct {
	*testing.T
	oracle   *oracle.Oracle
	heapster *Heapster
	now      time.Time
	archive  string
}

// newStory begins a story whose now is ten seconds ago. Times count back from
// there by multiples of 20 seconds, and then no batch expires within the ten
// seconds that follow: 130 seconds is younger than what Heapster evicts, and
// 150 older.
func newStory(t *testing.T, flags ...string) *story {
	return &story{
		T:        t,
		oracle:   oracle.New(),
		heapster: StartHeapster(t, flags...),
		now:      time.Now().UTC().Add(-10 * time.Second).Truncate(time.Second),
		archive:  filepath.Join(t.TempDir(), "a.db"),
	}
}

// feed has Heapster take a batch of so long ago.
func (s *story) feed(ago time.Duration, members ...member) {
	s.Helper()
	b := batch(s.now.Add(-ago), members...)
	from := time.Now()
	s.heapster.Feed(s, b)
	if !s.oracle.Feed(b, from, time.Now()) {
		s.Fatal("a batch expired while another was fed: run the test again, with less beside it")
	}
}

// restart restarts Heapster.
func (s *story) restart() {
	s.Helper()
	s.heapster.Restart(s)
	s.oracle.Restart()
}

// summary is the last line of `heapstash collect --json`, as far as the tests
// look at it.
type summary struct {
	MessageType string `json:"message_type"`
	New         int    `json:"samples_new"`
	Conflicts   int    `json:"conflicts"`
	Holes       []struct {
		Scope string `json:"scope"`
		Cause string `json:"cause"`
		Lasts bool   `json:"lasting"`
	} `json:"holes"`
	GapSeconds int `json:"gap_seconds"`
}

// causes are those of the holes that do not last, with commas between.
func (s summary) causes() string {
	var causes []string
	for _, h := range s.Holes {
		if !h.Lasts {
			causes = append(causes, h.Cause)
		}
	}
	return strings.Join(causes, ",")
}

// collect runs `heapstash collect`, which must say that samples are missing
// for these causes, and otherwise store what is visible and exit with 0.
func (s *story) collect(causes ...string) summary {
	s.Helper()
	added := s.oracle.Pass()
	command := exec.CommandContext(s.Context(), programs.Heapstash,
		"collect", "--heapster-url", s.heapster.URL, "--db-file", s.archive, "--json")
	command.Env = []string{} // no settings of whoever runs the test
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	code := 0
	if err := command.Run(); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			s.Fatal(err)
		}
		code = exit.ExitCode()
	}
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	var sum summary
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &sum); err != nil {
		s.Fatalf("last line of stdout: %v\nstdout:\n%s\nstderr:\n%s", err, &stdout, &stderr)
	}
	wantCode := 0
	if len(causes) > 0 {
		wantCode = 3
	}
	if code != wantCode || sum.MessageType != "summary" || sum.causes() != strings.Join(causes, ",") || sum.New != added || sum.Conflicts != 0 {
		s.Errorf("exit code %d and %+v\nwant exit code %d, %d new samples and holes for %v\nstderr:\n%s",
			code, sum, wantCode, added, causes, &stderr)
	}
	s.compare()
	return sum
}

// compare compares the archive's samples, as the stock shell shows them, with
// the oracle's.
func (s *story) compare() {
	s.Helper()
	got := strings.FieldsFunc(s.sql("SELECT * FROM samples"), func(r rune) bool { return r == '\n' })
	slices.Sort(got)
	extra, missing := difference(got, s.oracle.Samples())
	if len(extra)+len(missing) > 0 {
		s.Errorf("of the %d samples in the archive %d should not be there:\n%s\n%d are missing:\n%s",
			len(got), len(extra), first(extra), len(missing), first(missing))
	}
}

// difference compares two sorted lists, in which lines may be repeated.
func difference(got, want []string) (extra, missing []string) {
	for len(got) > 0 && len(want) > 0 {
		switch cmp.Compare(got[0], want[0]) {
		case -1:
			extra, got = append(extra, got[0]), got[1:]
		case 1:
			missing, want = append(missing, want[0]), want[1:]
		default:
			got, want = got[1:], want[1:]
		}
	}
	return append(extra, got...), append(missing, want...)
}

// first returns the first few lines.
func first(lines []string) string {
	const few = 10
	if len(lines) > few {
		lines = append(lines[:few:few], "...")
	}
	return strings.Join(lines, "\n")
}

// sql asks the stock shell, which tells NULL from the empty string.
func (s *story) sql(statement string) string {
	s.Helper()
	command := exec.CommandContext(s.Context(), need.Program(s, "sqlite3"), "-readonly", "-batch", "-tabs", "-nullvalue", "NULL", s.archive, statement)
	out, err := command.CombinedOutput()
	if err != nil {
		s.Fatalf("sqlite3: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// gap is a row of the gaps view: from, to, how long, why.
func (s *story) gap(from, to time.Duration, cause string) string {
	return fmt.Sprintf("%d\t%d\t%d\t%s", s.now.Add(-from).Unix(), s.now.Add(-to).Unix(), int((from-to).Seconds())+1, cause)
}
