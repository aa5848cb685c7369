package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heapstash/e2e/oracle"
	"heapstash/e2e/rig"
	"heapstash/heapster"
	"heapstash/heapster/heapsim"
)

// story is what happens to one Heapster and one archive. Its verbs are feed,
// restart and collect; after every collect the archive is compared with the
// oracle.
type story struct {
	*testing.T
	oracle   *oracle.Oracle
	heapster *rig.Heapster
	client   *heapster.Client
	now      time.Time
	archive  string
}

// newStory begins a story whose now is ten seconds ago. Times count back from
// there by multiples of 20 seconds, and then no batch expires within the ten
// seconds that follow: 130 seconds is younger than what Heapster evicts, and
// 150 older.
func newStory(t *testing.T, flags ...string) *story {
	h := rig.StartHeapster(t, programs.Heapster, flags...)
	return &story{
		T:        t,
		oracle:   oracle.New(),
		heapster: h,
		client:   rig.NewClient(t, h.URL),
		now:      time.Now().UTC().Add(-10 * time.Second).Truncate(time.Second),
		archive:  filepath.Join(t.TempDir(), "a.db"),
	}
}

// feed has Heapster take a batch of so long ago.
func (s *story) feed(ago time.Duration, members ...member) {
	s.Helper()
	s.feedBatch(batch(s.now.Add(-ago), members...))
}

func (s *story) feedBatch(b heapsim.Batch) {
	s.Helper()
	from := time.Now()
	must(s, s.heapster.Feed(b))
	if !s.oracle.Feed(b, from, time.Now()) {
		s.Fatal("a batch expired while another was fed: run the test again, with less beside it")
	}
}

// restart restarts Heapster.
func (s *story) restart() {
	s.Helper()
	must(s, s.heapster.Restart())
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
	command := exec.Command(programs.Heapstash,
		"collect", "--heapster-url", s.heapster.URL, "--db-file", s.archive, "--json")
	command.Env = []string{} // no settings of whoever runs the test
	o := rig.Run(s, command)
	lines := strings.Split(strings.TrimSpace(o.Stdout), "\n")
	var sum summary
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &sum); err != nil {
		s.Fatalf("last line of stdout: %v\nstdout:\n%s\nstderr:\n%s", err, o.Stdout, o.Stderr)
	}
	wantCode := 0
	if len(causes) > 0 {
		wantCode = 3
	}
	if o.Code != wantCode || sum.MessageType != "summary" || sum.causes() != strings.Join(causes, ",") || sum.New != added || sum.Conflicts != 0 {
		s.Errorf("exit code %d and %+v\nwant exit code %d, %d new samples and holes for %v\nstderr:\n%s",
			o.Code, sum, wantCode, added, causes, o.Stderr)
	}
	s.compare()
	return sum
}

// compare compares the archive's samples, as the stock shell shows them, with
// the oracle's.
func (s *story) compare() {
	s.Helper()
	if err := oracle.Compare(oracle.Lines(s.sql("SELECT * FROM samples")), s.oracle.Samples()); err != nil {
		s.Error(err)
	}
}

// sql asks the stock shell.
func (s *story) sql(statement string) string { s.Helper(); return rig.SQL(s, s.archive, statement) }

// gap is a row of the gaps view: from, to, how long, why.
func (s *story) gap(from, to time.Duration, cause string) string {
	return fmt.Sprintf("%d\t%d\t%d\t%s", s.now.Add(-from).Unix(), s.now.Add(-to).Unix(), int((from-to).Seconds())+1, cause)
}
