package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"heapstash/cmd/heapstash/demo"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// start has the stand-in answer, where it is to stay if it is.
func (d *demonstration) start(heapster *heapsim.Server) (url string, stop func(), err error) {
	address := "127.0.0.1:0"
	if d.stay {
		address = d.listen
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, schema.WithHint(fmt.Errorf("listen: %w", err), "--listen chooses another address; of port 0, any free one is taken")
	}
	server := &http.Server{Handler: heapster, ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(listener)
	return "http://" + listener.Addr().String(), func() { server.Close() }, nil
}

// serve gives the stand-in batch after batch, in real time, until ctx ends.
// The first ones are those that came since the last one that it has.
func (d *demonstration) serve(ctx context.Context, story *demo.Story, heapster *heapsim.Server) error {
	fmt.Fprintf(d.out, `
The stand-in stays at %s, with a batch every %v, until
Ctrl-C. `, d.cfg.HeapsterURL, d.resolution)
	if d.resolution == demo.Step {
		fmt.Fprintf(d.out, `Have its archive go on, in another terminal:

  %[2]s run --heapster-url %[1]s \
    --db-file %[3]s --cluster-name %[4]s

or make one of your own, from what it shows now:

  %[2]s collect --heapster-url %[1]s --db-file mine.db
`, d.cfg.HeapsterURL, d.program, d.cfg.DBFile, demo.Cluster)
	} else { // a later demo could not go on with such batches
		fmt.Fprintf(d.out, `Make an archive of your own, in another terminal:

  %[2]s collect --heapster-url %[1]s --db-file mine.db
  %[2]s run --heapster-url %[1]s --db-file mine.db
`, d.cfg.HeapsterURL, d.program)
	}
	for last := schema.Instant(d.clock.Load()); ; {
		next := schema.InstantOf(last.Time().Truncate(d.resolution).Add(d.resolution))
		wait := time.NewTimer(next.Time().Sub(d.now()))
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

// served ends what was to end: that it was told to stop is no error.
func (d *demonstration) served(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		_, err := fmt.Fprintf(d.out, "\nThe stand-in has ended.\n")
		return err
	}
	return ctx.Err()
}
