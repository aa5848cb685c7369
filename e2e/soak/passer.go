package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/heapster"
	"heapstash/schema"
)

// passerEnv names the variable that makes a process of this program one that
// makes passes, and nothing else. Heapster is in another one, lest its memory
// be taken for theirs.
const passerEnv = "HEAPSTASH_SOAK_PASSER"

// order is what a passer is told, a line of JSON each.
type order struct {
	URL, Path string
	Now       time.Time // the local clock
	Measure   bool      // memory, after a collection, and no pass
}

// passed is what it answers.
type passed struct {
	New   int
	Took  time.Duration
	Error string
	Heap  uint64        // bytes in use
	RSS   int64         // bytes
	CPU   time.Duration // so far
}

// bePasser makes passes until its input ends.
func bePasser(in io.Reader, out io.Writer) error {
	// The heap is small, and would be collected many times a pass. What is in
	// use, which is what counts, is measured after a collection.
	debug.SetGCPercent(400)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
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
			began := time.Now()
			sum, err := o.pass(client)
			p.Took, p.New = time.Since(began), int(sum.Pass.New)
			if err != nil {
				p.Error = err.Error()
			} else if len(sum.Holes) > 0 || sum.Pass.Outcome != schema.OutcomeComplete {
				p.Error = fmt.Sprintf("it is %s, with the holes %v", sum.Pass.Outcome, sum.Holes)
			}
		}
		if err := answers.Encode(p); err != nil {
			return err
		}
	}
}

// pass makes one as `heapstash run` does, with the archive open for no longer.
func (o order) pass(hc *http.Client) (collect.Summary, error) {
	ctx := context.Background()
	base, err := url.Parse(o.URL)
	if err != nil {
		return collect.Summary{}, err
	}
	client, err := heapster.New(hc, base, heapster.Options{})
	if err != nil {
		return collect.Summary{}, err
	}
	store, err := archive.Open(ctx, o.Path, archive.Options{})
	if err != nil {
		return collect.Summary{}, err
	}
	opts := collect.DefaultOptions()
	opts.Now = func() time.Time { return o.Now }
	// The standard metrics of containers, by one request instead of a
	// thousand, which would be most of what a month takes.
	opts.Containers = collect.ContainersExport
	sum, err := collect.Run(ctx, client, store, opts)
	return sum, errors.Join(err, store.Close())
}

func (p *passed) measure() {
	// What pools keep outlives one collection, and is now there and now not.
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

// passer is such a process.
type passer struct {
	cmd     *exec.Cmd
	orders  io.WriteCloser
	answers *json.Decoder
}

func startPasser() (*passer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &passer{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), passerEnv+"=1")
	p.cmd.Stderr = os.Stderr
	if p.orders, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.answers = json.NewDecoder(bufio.NewReader(out))
	return p, p.cmd.Start()
}

// tell has it carry out an order.
func (p *passer) tell(o order) (passed, error) {
	var answer passed
	if err := json.NewEncoder(p.orders).Encode(o); err != nil {
		return answer, err
	}
	if err := p.answers.Decode(&answer); err != nil {
		return answer, err
	}
	if answer.Error != "" {
		return answer, errors.New(answer.Error)
	}
	return answer, nil
}

func (p *passer) stop() error { return errors.Join(p.orders.Close(), p.cmd.Wait()) }
