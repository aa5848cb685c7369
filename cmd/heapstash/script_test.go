package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"heapstash/cmd/heapstash/config"
	"heapstash/heapster/heapsim"
	"heapstash/heapster/heapstertest"
	"heapstash/internal/need"
	"heapstash/schema"
)

func TestMain(m *testing.M) {
	testscript.Main(withoutConfig{m}, map[string]func(){"heapstash": func() {
		config.SystemFile = os.Getenv("SYSTEM_CONFIG")
		main()
	}})
}

// withoutConfig runs tests without the configuration files of the machine. Commands of
// scripts read the file in the variable SYSTEM_CONFIG instead of
// /etc/heapstash/heapstash.yaml.
type withoutConfig struct{ *testing.M }

func (w withoutConfig) Run() int {
	os.Setenv("HEAPSTASH_CONFIG", "")
	name, value, _ := strings.Cut(goRace(), "=")
	os.Setenv(name, value)
	return w.M.Run()
}

// goRace is the environment variable of a process that may be built with -race:
// without it, each would sleep a second before it ends.
func goRace() string { return "GORACE=atexit_sleep_ms=0" }

// TestScripts runs the commands for real, as processes of their own. Each
// script has a Heapster, a heapsim, that has no batch yet: at the URL $HEAPSTER,
// and behind the service proxies of an $APISERVER and an $OLD_APISERVER, which
// has the legacy path only. At other paths, apiservers answer with the script's
// files below apiserver/. These are the scripts' own commands:
//
//	feed                  give Heapster its next batch
//	made FILE             make an archive that is always the same: see made
//	archived FILE         what was fed, and nothing else, is in the view samples
//	fault PATH STATUS FILE [TYPE]
//	                      answer paths that match with the file
//	truncate PATH BYTES   cut the answers of paths that match
//	skew SECONDS          date answers by a clock that is that far ahead
//	ahead SECONDS         set Heapster's clock ahead by that much, or back
//	hold                  let requests wait
//	awaitrequest          wait until a request is held
//	release               answer those that wait, and hold no more
//	mend                  end all faults
//	secure VARIABLE KIND  serve Heapster by an old apiserver with TLS: see secure
//	exits CODE COMMAND... run the command, which must exit with that code
//	signal NAME CODE COMMAND...
//	                      the same, with a signal once it has a request held
//	unread NAME CODE COMMAND...
//	                      the same, with a signal once it has written something
//	                      and the rest is not read
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Files: scripts(t),
		Setup: func(env *testscript.Env) error {
			w := newWorld()
			env.Values[worldKey{}] = w
			env.Vars = append(env.Vars, goRace())
			for name, prefix := range map[string]string{
				"HEAPSTER":      "",
				"APISERVER":     "/api/v1/namespaces/kube-system/services/http:heapster:/proxy",
				"OLD_APISERVER": "/api/v1/proxy/namespaces/kube-system/services/heapster",
			} {
				proxied := http.StripPrefix(prefix, w.sim)
				lists := http.FileServer(http.Dir(filepath.Join(env.WorkDir, "apiserver")))
				server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					if strings.HasPrefix(r.URL.Path, prefix) {
						proxied.ServeHTTP(rw, r)
					} else {
						lists.ServeHTTP(rw, r)
					}
				}))
				env.Defer(server.Close)
				env.Setenv(name, server.URL)
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"feed":         inWorld((*world).feed, 0),
			"made":         inWorld((*world).made, 1),
			"archived":     inWorld((*world).archived, 1),
			"fault":        inWorld((*world).fault, 3, 4),
			"truncate":     inWorld((*world).truncate, 2),
			"skew":         inWorld((*world).skew, 1),
			"ahead":        inWorld((*world).ahead, 1),
			"hold":         inWorld((*world).hold, 0),
			"awaitrequest": inWorld((*world).awaitRequest, 0),
			"release":      inWorld((*world).release, 0),
			"mend":         inWorld((*world).mend, 0),
			"secure":       inWorld((*world).secure, 2),
			"signal":       inWorld((*world).signal, 3, math.MaxInt),
			"unread":       inWorld((*world).unread, 3, math.MaxInt),
			"exits":        inWorld((*world).exits, 2, math.MaxInt),
		},
	})
}

// scripts returns the files of all scripts. If sqlite3 is not installed, it leaves out
// scripts that need it.
func scripts(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("sqlite3"); err == nil {
		return files
	}
	return slices.DeleteFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		asks := bytes.Contains(text, []byte("sqlite3")) || bytes.Contains(text, []byte("\narchived "))
		if asks {
			need.LeaveOut(file, errors.New("sqlite3 is not installed"))
		}
		return asks
	})
}

// world is the Heapster of a script.
type world struct {
	sim     *heapstertest.Server
	cluster *heapsim.Cluster
	clock   atomic.Int64 // Heapster's, in Unix seconds
	fed     []heapsim.Batch

	held  chan struct{} // gets a token for each request held
	letGo chan struct{} // closed by release
}

type worldKey struct{}

const (
	// Real Heapsters have a batch a minute. These are closer together, so that
	// a script's few batches all are of the last minute, and none is stale.
	batchStep = 10 * time.Second
	batches   = 6
)

func newWorld() *world {
	w := &world{
		cluster: heapsim.NewCluster(heapsim.ClusterOptions{Nodes: 2, Namespaces: 2, Pods: 6, Containers: 1}),
	}
	w.clock.Store(time.Now().Truncate(batchStep).Add(-batches * batchStep).Unix())
	w.sim = heapstertest.NewServer(heapsim.Options{Now: func() time.Time { return time.Unix(w.clock.Load(), 0) }})
	return w
}

// inWorld makes a script command from a method, with the numbers of arguments.
func inWorld(command func(*world, *testscript.TestScript, []string), counts ...int) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < counts[0] || len(args) > counts[len(counts)-1] {
			ts.Fatalf("wrong use of a command: see TestScripts")
		}
		command(ts.Value(worldKey{}).(*world), ts, args)
	}
}

func (w *world) feed(*testscript.TestScript, []string) {
	at := time.Unix(w.clock.Add(int64(batchStep/time.Second)), 0)
	batch := w.cluster.Next(at)
	w.sim.Feed(batch)
	w.fed = append(w.fed, batch)
}

// archived compares the archive, as stock sqlite3 reads it, with what was fed.
func (w *world) archived(ts *testscript.TestScript, args []string) {
	var want []string
	for _, batch := range w.fed {
		for _, set := range batch.Sets {
			e := set.Entity
			if !slices.Contains(config.Default().Kinds, e.Kind) {
				continue
			}
			sample := func(labels string, metric schema.MetricName, value schema.Value) {
				if _, whole := value.Int64(); !whole {
					value = schema.Int(int64(value.Float64())) // as Heapster cuts it
				}
				want = append(want, fmt.Sprintf("%v|%s|%s|%s|%s|%s|%s|%d|%v",
					e.Kind, e.Namespace, e.Pod, e.Container, e.Node, labels, metric, batch.At.Unix(), value))
			}
			for metric, value := range set.Values {
				sample("", metric, value)
			}
			for _, l := range set.Labelled {
				var pairs []string
				for _, key := range slices.Sorted(maps.Keys(l.Labels)) {
					pairs = append(pairs, key+":"+l.Labels[key])
				}
				sample(strings.Join(pairs, ","), l.Metric, l.Value)
			}
		}
	}
	// A labelled float is exact where metric-export brought it, and cut where
	// it is of an older batch: both are right.
	ts.Check(ts.Exec("sqlite3", args[0], `SELECT kind, namespace, pod, container, node, labels, metric, ts,
		CASE WHEN labels IS NULL THEN value ELSE CAST(value AS INTEGER) END FROM samples`))
	got := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			ts.Fatalf("%d samples are archived and %d were fed; the first that differs is\n%q, want\n%q",
				len(got), len(want), got[i:min(i+1, len(got))], want[i:min(i+1, len(want))])
		}
	}
}

func (w *world) fault(ts *testscript.TestScript, args []string) {
	header := http.Header{}
	if len(args) > 3 {
		header.Set("Content-Type", args[3])
	}
	w.sim.Inject(args[0], 0, heapstertest.Answer(number(ts, args[1]), header, ts.ReadFile(args[2])))
}

func (w *world) truncate(ts *testscript.TestScript, args []string) {
	w.sim.Inject(args[0], 0, heapstertest.Truncate(number(ts, args[1])))
}

func (w *world) skew(ts *testscript.TestScript, args []string) {
	ahead := time.Duration(number(ts, args[0])) * time.Second
	w.sim.Inject("", 0, func(truly http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
			truly.ServeHTTP(rw, r)
		})
	})
}

func (w *world) ahead(ts *testscript.TestScript, args []string) {
	w.clock.Add(int64(number(ts, args[0])))
}

func (w *world) mend(*testscript.TestScript, []string) { w.sim.Heal() }

func (w *world) hold(*testscript.TestScript, []string) {
	held, letGo := make(chan struct{}, 1000), make(chan struct{})
	w.held, w.letGo = held, letGo
	w.sim.Inject("", 0, func(truly http.Handler) http.Handler {
		wait := heapstertest.Hold(letGo)(truly)
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			held <- struct{}{}
			wait.ServeHTTP(rw, r)
		})
	})
}

func (w *world) awaitRequest(*testscript.TestScript, []string) { <-w.held }

func (w *world) release(*testscript.TestScript, []string) {
	w.sim.Heal()
	close(w.letGo)
}

func (w *world) exits(ts *testscript.TestScript, args []string) {
	checkCode(ts, ts.Exec(args[1], args[2:]...), args[0])
}

// checkCode fails the script unless a process ended with that exit code.
func checkCode(ts *testscript.TestScript, err error, code string) {
	var exit *exec.ExitError
	got := 0
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != number(ts, code) {
		ts.Fatalf("exit code %d, want %s", got, code)
	}
}

var signals = map[string]os.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM}

func (w *world) unread(ts *testscript.TestScript, args []string) {
	path, err := exec.LookPath(args[2])
	ts.Check(err)
	cmd := exec.Command(path, args[3:]...)
	cmd.Dir, cmd.Stderr = ts.MkAbs("."), ts.Stderr()
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	_, err = out.Read(make([]byte, 1))
	ts.Check(err)
	ts.Check(cmd.Process.Signal(signals[args[0]]))
	checkCode(ts, cmd.Wait(), args[1]) // it closes the pipe when the process has ended
}

func (w *world) signal(ts *testscript.TestScript, args []string) {
	path, err := exec.LookPath(args[2])
	ts.Check(err)
	cmd := exec.Command(path, args[3:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	ts.Check(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-w.held:
		ts.Check(cmd.Process.Signal(signals[args[0]]))
		checkCode(ts, <-ended, args[1])
	case err := <-ended:
		ts.Fatalf("ended before its first request: %v", err)
	}
}

func number(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}
