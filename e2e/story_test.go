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

// story is a sequence of events at one Heapster and one archive: feed, restart and
// collect. collect compares the archive with the oracle.
type story struct {
	*testing.T
	oracle   *oracle.Oracle
	heapster *rig.Heapster
	client   *heapster.Client
	now      time.Time
	archive  string
}

// newStory begins a story whose now is ten seconds ago. Batches are multiples of 20
// seconds older than that. So no batch expires during the next ten seconds:
// Heapster evicts at 140 seconds, and a batch is 130 or 150 seconds old.
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

// feed gives Heapster a batch of some time ago.
func (s *story) feed(ago time.Duration, members ...member) {
	s.Helper()
	s.feedBatch(batch(s.now.Add(-ago), members...))
}

func (s *story) feedBatch(b heapsim.Batch) {
	s.Helper()
	time.Sleep(time.Until(s.oracle.Calm(time.Now(), time.Second)))
	from := time.Now()
	must(s, s.heapster.Feed(b))
	if !s.oracle.Feed(b, from, time.Now()) {
		s.Fatal("a batch expired while another was fed: the machine is too busy; run the test again")
	}
}

// restart restarts Heapster.
func (s *story) restart() {
	s.Helper()
	must(s, s.heapster.Restart())
	s.oracle.Restart()
}

// summary has the members of the last line of `heapstash collect --json` that the
// tests read.
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

// causes joins the causes of the holes that are not permanent, with commas.
func (s summary) causes() string {
	var causes []string
	for _, h := range s.Holes {
		if !h.Lasts {
			causes = append(causes, h.Cause)
		}
	}
	return strings.Join(causes, ",")
}

// collect runs `heapstash collect`. It must store every visible sample. It must
// report holes of exactly these causes, and exit with 0 if there are none.
func (s *story) collect(causes ...string) summary {
	s.Helper()
	added := s.oracle.Pass()
	command := exec.Command(programs.Heapstash,
		"collect", "--heapster-url", s.heapster.URL, "--db-file", s.archive, "--json")
	command.Env = []string{} // without the settings of the machine
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

// compare compares the samples that the stock shell reads with the oracle's.
func (s *story) compare() {
	s.Helper()
	if err := oracle.Compare(oracle.Lines(s.sql("SELECT * FROM samples")), s.oracle.Samples()); err != nil {
		s.Error(err)
	}
}

// sql runs a statement in the stock shell.
func (s *story) sql(statement string) string { s.Helper(); return rig.SQL(s, s.archive, statement) }

// gap is a row of the gaps view: from, to, seconds, cause.
func (s *story) gap(from, to time.Duration, cause string) string {
	return fmt.Sprintf("%d\t%d\t%d\t%s", s.now.Add(-from).Unix(), s.now.Add(-to).Unix(), int((from-to).Seconds())+1, cause)
}

// gaps compares the rows of the gaps view.
func (s *story) gaps(want ...string) {
	s.Helper()
	got := oracle.Lines(s.sql("SELECT from_ts, to_ts, seconds, cause FROM gaps"))
	if err := oracle.Compare(got, want); err != nil {
		s.Error("gaps: ", err)
	}
}
