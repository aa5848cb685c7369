package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// start lets the stand-in answer: at --listen if it stays, else at a free port.
func (d *Demonstration) start(heapster *heapsim.Server) (url string, stop func(), err error) {
	address := "127.0.0.1:0"
	if d.Stay {
		address = d.Listen
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, schema.WithHint(fmt.Errorf("listen: %w", err), "--listen sets another address; port 0 is any free port")
	}
	server := &http.Server{Handler: heapster, ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(listener)
	return "http://" + listener.Addr().String(), func() { server.Close() }, nil
}

// serve feeds batches to the stand-in in real time until ctx ends. The first batches are
// the ones since its last batch.
func (d *Demonstration) serve(ctx context.Context, story *Story, heapster *heapsim.Server) error {
	fmt.Fprintf(d.Out, `
The stand-in stays at %s, with a batch every %v, until
Ctrl-C. `, d.Cfg.HeapsterURL, d.Resolution)
	if d.Resolution == Step {
		fmt.Fprintf(d.Out, `Have its archive go on, in another terminal:

  %[2]s run --heapster-url %[1]s \
    --db-file %[3]s --cluster-name %[4]s

or make one of your own, from what it shows now:

  %[2]s collect --heapster-url %[1]s --db-file mine.db
`, d.Cfg.HeapsterURL, d.Program, d.Cfg.DBFile, Cluster)
	} else { // a later demo cannot continue such batches
		fmt.Fprintf(d.Out, `Make an archive of your own, in another terminal:

  %[2]s collect --heapster-url %[1]s --db-file mine.db
  %[2]s run --heapster-url %[1]s --db-file mine.db
`, d.Cfg.HeapsterURL, d.Program)
	}
	for last := schema.Instant(d.clock.Load()); ; {
		next := schema.InstantOf(last.Time().Truncate(d.Resolution).Add(d.Resolution))
		wait := time.NewTimer(next.Time().Sub(d.Now()))
		select {
		case <-ctx.Done():
			wait.Stop()
			return d.served(ctx)
		case <-wait.C:
		}
		d.feed(story, heapster, next)
		last = next
	}
}

// served returns no error if the user ended the demo.
func (d *Demonstration) served(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		_, err := fmt.Fprintf(d.Out, "\nThe stand-in has ended.\n")
		return err
	}
	return ctx.Err()
}
