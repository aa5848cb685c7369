package e2e

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"heapstash/e2e/oracle"
	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
	"heapstash/heapster/heapstertest"
)

// The limits of a pass over a small cluster with a hostile Heapster, in bytes. The
// labels of pods stay in memory until the lists are read; limits.export limits them.
const (
	mostMemory = 384 << 20
	mostFile   = 4 << 20
)

// mostWithinLimits is the memory of a pass whose answers are all as long as the
// limits allow, in bytes. A pod of deploy/kubernetes may use that, and 512 MB for a
// query by kubectl exec.
const (
	mostWithinLimits = 512 << 20
	podLimit         = mostWithinLimits + 512<<20
)

// body answers with a text that it writes piece by piece until the client is gone.
func body(write func(w io.Writer) error) heapstertest.Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = write(w)
		})
	}
}

// repeat writes begin, and then format several times; % stands for the number.
func repeat(begin string, times int, format string) func(w io.Writer) error {
	return func(w io.Writer) error {
		if _, err := io.WriteString(w, begin); err != nil {
			return err
		}
		for n := range times {
			var err error
			if strings.Contains(format, "%") {
				_, err = fmt.Fprintf(w, format, n)
			} else {
				_, err = io.WriteString(w, format)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// list writes begin, format several times with commas between, and end.
func list(begin string, times int, format, end string) func(w io.Writer) error {
	return func(w io.Writer) error {
		if err := repeat(begin+fmt.Sprintf(format, 0), times-1, ","+format)(w); err != nil {
			return err
		}
		_, err := io.WriteString(w, end)
		return err
	}
}

// bomb answers with 10 GB, zipped to 10 MB.
func bomb(text string) heapstertest.Fault {
	var piece bytes.Buffer
	z := gzip.NewWriter(&piece)
	_, _ = io.WriteString(z, strings.Repeat(text, 16<<20/len(text))) // a Buffer takes it all
	_ = z.Close()
	var begin bytes.Buffer
	z.Reset(&begin)
	_, _ = io.WriteString(z, "[")
	_ = z.Close()
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(begin.Bytes())
			for range 640 { // concatenated zips are one zip
				if _, err := w.Write(piece.Bytes()); err != nil {
					return
				}
			}
		})
	}
}

const megabyte = 1 << 20

// Each is 10 GB of JSON in which only the length is wrong: it is well-formed as far
// as it is read, and its texts and names are short enough.
var (
	longText    = strings.Repeat("a", 60_000)
	tenOfNames  = repeat(`["x"`, 3.5e6, `,"`+strings.Repeat("n", 3000)+`"`)
	tenOfPoints = repeat(`{"items":[{"metrics":[`+strings.TrimPrefix(paddedPoint, ","), 170_000, paddedPoint)
	tenOfSets   = repeat(`[`+strings.TrimPrefix(paddedSet, ","), 170_000, paddedSet)
	paddedPoint = `,{"timestamp":"2017-09-27T07:09:00Z","value":1,"more":"` + longText + `"}`
	// The pod may exist, so its labels are kept.
	paddedSet = `,{"metrics":{},"labels":{"nodename":"n","pod_name":"p","namespace_name":"n","container_name":"/pod","labels":"` + longText + `"}}`
)

// zipped answers with the text, zipped.
func zipped(write func(w io.Writer) error) heapstertest.Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
			if err != nil {
				panic(err) // the level is valid
			}
			_ = write(z)
			_ = z.Close()
		})
	}
}

var (
	tenGigabytes = body(repeat(`["`, 10<<10, strings.Repeat("a", megabyte)))
	blanks       = body(repeat(``, 10<<10, strings.Repeat(" ", megabyte)))
	millionNames = body(repeat(`["x"`, 1e6, `,"namespace:n%d"`))
	millionOwn   = body(repeat(`["x"`, 1e6, `,"n%d"`))
	longNames    = body(repeat(`["x"`, 100, `,"`+strings.Repeat("a", megabyte)+`"`))
	tooDeep      = body(repeat(`{"metrics":`, 1e6, `[`))
	bombOfNames  = bomb(`"aaaaaaaa",`)
	endlessTurn  = func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, fmt.Sprintf("/%d", time.Now().UnixNano()), http.StatusTemporaryRedirect)
		})
	}
	drip = func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(100 * time.Millisecond):
				case <-r.Context().Done():
				}
			}
		})
	}
	millionExported = body(repeat(`[{"metrics":{},"labels":{"nodename":"n","container_name":"machine"}}`, 1e6,
		`,{"metrics":{"memory/usage":[{"end":"2017-09-27T07:09:00Z","value":1}]},"labels":{"nodename":"n%d","container_name":"machine"}}`))
)

// TestHostileHeapster: with any answers, a pass takes little memory, disk and time,
// stores only samples that Heapster showed, and names the setting that allows more,
// if there is one.
func TestHostileHeapster(t *testing.T) {
	const unknown = "No known Heapster sends as much"
	const keys, lists, points, pods, export, all = "/debug/allkeys$", "/(nodes|namespaces)/$", "/metrics/memory/usage$", "/pod-list/", "/metric-export$", ""
	for name, test := range map[string]struct {
		path   string // of the requests that get this answer
		answer heapstertest.Fault
		code   int
		says   string
	}{
		"10 GB everywhere":        {all, tenGigabytes, 1, unknown},
		"10 GB of blanks":         {all, blanks, 1, unknown},
		"10 GB of points":         {points, tenGigabytes, 1, "JSON array where an object belongs"},
		"10 GB of pods' points":   {pods, blanks, 3, unknown},
		"10 GB of export":         {export, tenGigabytes, 3, unknown},
		"10 GB, well-formed":      {keys, body(tenOfNames), 1, "raise limits.entities"},
		"the same, of lists":      {"/metrics/$", body(tenOfNames), 1, "raise limits.entities"},
		"the same, of points":     {pods, body(tenOfPoints), 3, "raise limits.entities"},
		"the same, of export":     {export, body(tenOfSets), 3, "raise limits.export"},
		"zipped names":            {keys, bombOfNames, 1, "raise limits.entities"},
		"zipped, well-formed":     {keys, zipped(tenOfNames), 1, "raise limits.entities"},
		"the same, of sets":       {export, zipped(tenOfSets), 3, "raise limits.export"},
		"zipped everywhere":       {all, bomb(" "), 1, unknown},
		"zipped export":           {export, bomb(" \n"), 3, unknown},
		"a million keys":          {keys, millionNames, 1, "raise limits.entities"},
		"a million metrics":       {"/pods/[^/]*/metrics/$", millionOwn, 3, "raise limits.entities"},
		"a million exported":      {export, millionExported, 3, "raise limits.entities"},
		"names of 1 MB":           {keys, longNames, 1, unknown},
		"names of 5 kB":           {keys, body(list(`[`, 100, `"namespace:`+strings.Repeat("a", 5000)+`%d"`, `]`)), 1, unknown},
		"2,000 metrics":           {"/pods/[^/]*/metrics/$", body(list(`[`, 2000, `"n%d"`, `]`)), 3, "raise limits.metrics"},
		"6,000 points":            {points, body(list(`{"metrics":[`, 6000, `{"timestamp":"2017-09-27T07:09:00Z","value":%d}`, `]}`)), 1, unknown},
		"metrics of 1 MB":         {"/pods/[^/]*/metrics/$", longNames, 3, unknown},
		"deep JSON":               {pods, tooDeep, 3, unknown},
		"deep JSON everywhere":    {all, tooDeep, 1, "JSON object where"},
		"redirects":               {all, endlessTurn, 1, "redirects are not followed"},
		"redirects of some":       {pods, endlessTurn, 3, "redirects are not followed"},
		"a byte at a time":        {all, drip, 1, "no whole answer within 5s"},
		"a byte at a time, later": {pods, drip, 3, "no whole answer within 5s"},
		"another count of items": {pods, body(func(w io.Writer) error {
			_, err := io.WriteString(w, `{"items":[{"metrics":[]},{"metrics":[]}]}`)
			return err
		}), 3, "1 items asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			sim := rig.StartStandIn(t, heapsim.Options{}, heapsim.ClusterOptions{})
			fed := sim.Scrape(time.Now().Truncate(time.Minute))
			p := pass{t: t, url: sim.URL, archive: filepath.Join(t.TempDir(), "a.db")}
			if test.path == keys && strings.HasPrefix(name, "a million") {
				sim.Inject(lists, 0, test.answer)
			}
			sim.Inject(test.path, 0, test.answer)

			timeout := 30 * time.Second
			var more []string
			if strings.HasPrefix(name, "a byte") {
				// Long enough for every true answer, on a slow machine too. All false
				// ones are asked for at once, so that the time passes once.
				timeout = 5 * time.Second
				more = []string{"--tries", "1", "--concurrency", "64"}
			}
			stderr, usage := p.collect(test.code, timeout, more...)
			if !strings.Contains(stderr, test.says) {
				t.Errorf("stderr has no %q:\n%.2000s", test.says, stderr)
			}
			if len(stderr) > 64<<10 {
				t.Errorf("stderr has %d bytes", len(stderr))
			}
			t.Logf("%d MB of memory, %v of CPU", usage.Maxrss>>10, time.Duration(usage.Utime.Nano()+usage.Stime.Nano()))
			if usage.Maxrss<<10 > mostMemory {
				t.Errorf("the pass took %d MB of memory", usage.Maxrss>>10)
			}
			p.holds(fed)

			// The next pass reads the rest when Heapster answers as usual.
			sim.Heal()
			p.collect(0, 10*time.Second)
			p.holds(fed)
			if n := p.sql("SELECT count(*) FROM samples"); n == "0" {
				t.Error("the archive has no samples")
			}
		})
	}
}

// TestHostileWithinTheLimits: every answer is as long as the limits allow. A pass
// holds all answers of a stage in memory, so this is the most that a pass takes.
func TestHostileWithinTheLimits(t *testing.T) {
	sim := rig.StartStandIn(t, heapsim.Options{}, heapsim.ClusterOptions{Nodes: 10, Pods: 280, Containers: 1})
	sim.Scrape(time.Now().Truncate(time.Minute))
	var points strings.Builder
	for n := range 4999 {
		fmt.Fprintf(&points, `,{"timestamp":%q,"value":%d}`, time.Now().Add(-time.Duration(n)*time.Minute).UTC().Format(time.RFC3339), n)
	}
	series := `{"metrics":[` + points.String()[1:] + `]}`
	sim.Inject("/metrics/[^/]+", 0, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, list, isList := strings.Cut(r.URL.Path, "/pod-list/")
			if !isList {
				_, _ = io.WriteString(w, series)
				return
			}
			pods, _, _ := strings.Cut(list, "/")
			items := series + strings.Repeat(","+series, strings.Count(pods, ","))
			_, _ = io.WriteString(w, `{"items":[`+items+`]}`)
		})
	})
	p := pass{t: t, url: sim.URL, archive: filepath.Join(t.TempDir(), "a.db")}
	p.env = []string{"HEAPSTASH_COLLECT_BUDGET=5m"} // enough for a slow machine
	stderr, usage := p.collect(3, time.Minute)
	info, err := os.Stat(p.archive)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MB of memory, %v of CPU, an archive of %d MB", usage.Maxrss>>10, time.Duration(usage.Utime.Nano()+usage.Stime.Nano()), info.Size()>>20)
	// Answers that are too long are asked for in parts.
	if !strings.Contains(stderr, "limits.samples") {
		t.Errorf("stderr has no limits.samples:\n%.2000s", stderr)
	}
	if usage.Maxrss<<10 > mostWithinLimits {
		t.Errorf("the pass took %d MB of memory", usage.Maxrss>>10)
	}
	pod, err := os.ReadFile("../deploy/kubernetes/base/pod.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("limits:\n          memory: %dGi\n", podLimit>>30); !strings.Contains(string(pod), want) {
		t.Errorf("pod.yaml does not allow as much: it has no %q", want)
	}
	if info.Size() > 200e6 {
		t.Errorf("the archive has %d bytes", info.Size())
	}
}

// pass runs collect against one server.
type pass struct {
	t            *testing.T
	url, archive string
	env          []string
}

func (p pass) collect(code int, timeout time.Duration, more ...string) (stderr string, usage *syscall.Rusage) {
	p.t.Helper()
	flags := append([]string{"collect", "--heapster-url", p.url, "--db-file", p.archive, "--timeout", timeout.String(), "--tries", "2"}, more...)
	command := exec.Command(programs.Heapstash, flags...)
	command.Env = append([]string{}, p.env...) // without the settings of the machine
	o := rig.Run(p.t, command)
	if o.Code != code {
		p.t.Errorf("exit code %d, want %d\n%.2000s", o.Code, code, o.Stderr)
	}
	return o.Stderr, o.Usage
}

func (p pass) sql(statement string) string { p.t.Helper(); return rig.SQL(p.t, p.archive, statement) }

// holds checks that the archive, if there is one, is small and has only samples
// that were fed.
func (p pass) holds(fed heapsim.Batch) {
	p.t.Helper()
	info, err := os.Stat(p.archive)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	must(p.t, err)
	if info.Size() > mostFile {
		p.t.Errorf("the archive has %d bytes", info.Size())
	}
	if got := p.sql("PRAGMA integrity_check"); got != "ok" {
		p.t.Errorf("integrity_check: %s", got)
	}
	all := oracle.New()
	all.Feed(fed, fed.At, fed.At)
	all.Pass()
	var got, want []string
	for _, sample := range all.Samples() {
		want = append(want, withoutFraction(sample))
	}
	for _, sample := range oracle.Lines(p.sql("SELECT * FROM samples")) {
		got = append(got, withoutFraction(sample))
	}
	slices.Sort(got)
	slices.Sort(want)
	if wrong, _ := oracle.Difference(got, want); len(wrong) > 0 {
		p.t.Errorf("the archive has samples that Heapster did not show:\n%s", oracle.First(wrong))
	}
}

// withoutFraction truncates the value of a sample: only metric-export shows
// fractions.
func withoutFraction(sample string) string {
	key, value := cut(sample)
	if float, err := strconv.ParseFloat(value, 64); err == nil && strings.ContainsAny(value, ".e") {
		value = strconv.FormatInt(int64(float), 10)
	}
	return key + "\t" + value
}
