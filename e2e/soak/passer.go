package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/e2e/rig"
	"heapstash/heapster"
	"heapstash/heapster/heapsim"
)

// passerEnv is the environment variable of the process that makes passes. The judge is
// another process, because its memory grows.
const passerEnv = "SOAK_PASSER"

// order is a line of JSON to a passer, after the line of its options.
type order struct {
	Measure bool // memory after a garbage collection, instead of a pass over the next batch
}

// passed is a passer's answer to an order.
type passed struct {
	New   int
	Took  time.Duration
	Error string
	Heap  uint64        // bytes in use
	RSS   int64         // bytes
	CPU   time.Duration // since its start
}

// bePasser makes passes until its input ends.
func bePasser(in io.Reader, out io.Writer) error {
	// The heap is small and would be collected many times a pass. The memory in use is
	// measured after a collection anyway.
	debug.SetGCPercent(400)
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	var o options
	if err := orders.Decode(&o); err != nil {
		return err
	}
	sim := rig.NewStandIn(heapsim.Options{Seed: o.Seed}, o.cluster())
	w := &world{options: o, cluster: sim.Cluster, now: begin}
	client, err := heapster.New(&http.Client{Transport: inProcess{sim}}, &url.URL{Scheme: "http", Host: "heapster"}, heapster.Options{})
	if err != nil {
		return err
	}
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var p passed
		if o.Measure {
			p.measure()
		} else {
			w.advance()
			sim.Scrape(w.now)
			p.pass(client, w)
		}
		if err := answers.Encode(p); err != nil {
			return err
		}
	}
}

// inProcess answers requests without the network, which would take half of the time.
type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := r.Clone(r.Context())
	asked.Header.Del("Accept-Encoding")
	recorder := httptest.NewRecorder()
	t.handler.ServeHTTP(recorder, asked)
	answer := recorder.Result()
	answer.Request = r
	return answer, nil
}

// pass makes a pass as `heapstash run` does: the archive is open during the pass only.
func (p *passed) pass(client *heapster.Client, w *world) {
	began := time.Now()
	sum, err := pass(client, w)
	p.Took, p.New = time.Since(began), int(sum.Pass.New)
	if err != nil {
		p.Error = err.Error()
	} else if len(sum.Holes) > 0 || sum.Pass.Outcome != archive.OutcomeComplete {
		p.Error = fmt.Sprintf("it is %s, with the holes %v", sum.Pass.Outcome, sum.Holes)
	}
}

func pass(client *heapster.Client, w *world) (collect.Summary, error) {
	opts := collect.DefaultOptions()
	opts.Now = func() time.Time { return w.now }
	// metric-export has the standard metrics of containers in one request. The model
	// API needs a thousand, which would take most of the time.
	opts.Containers = collect.ContainersExport
	return rig.Pass(context.Background(), client, w.Path, opts, nil)
}

func (p *passed) measure() {
	// Pools keep objects for more than one collection.
	for range 3 {
		runtime.GC()
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	p.Heap = memory.HeapAlloc
	var usage unix.Rusage
	err := unix.Getrusage(unix.RUSAGE_SELF, &usage)
	p.CPU = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	var size, pages int64
	text, statErr := os.ReadFile("/proc/self/statm")
	_, scanErr := fmt.Sscan(string(text), &size, &pages)
	p.RSS = pages * int64(os.Getpagesize())
	if err := errors.Join(err, statErr, scanErr); err != nil {
		p.Error = err.Error()
	}
}

// passer is the process that makes passes.
type passer struct {
	cmd     *exec.Cmd
	stdin   io.Closer
	orders  *json.Encoder
	answers *json.Decoder
}

func startPasser(o options) (*passer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &passer{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), passerEnv+"=1")
	p.cmd.Stderr = os.Stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.stdin, p.orders, p.answers = stdin, json.NewEncoder(stdin), json.NewDecoder(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, p.orders.Encode(o)
}

// begin sends an order, and returns a function that waits for the answer.
func (p *passer) begin(o order) (answer func() (passed, error)) {
	sent := p.orders.Encode(o)
	return func() (passed, error) {
		var answer passed
		if err := errors.Join(sent, p.answers.Decode(&answer)); err != nil {
			return answer, err
		}
		if answer.Error != "" {
			return answer, errors.New(answer.Error)
		}
		return answer, nil
	}
}

func (p *passer) stop() error { return errors.Join(p.stdin.Close(), p.cmd.Wait()) }
