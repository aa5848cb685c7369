// Soak archives an accelerated month and watches that nothing grows but the
// archive: the stand-in Heapster has a batch a minute of a cluster whose pods
// come and go, and a pass follows each, in this process.
//
//	go run ./soak [-days N] [-seed N] [-dir DIR]
//
// It prints a line a simulated day, and fails unless memory and the time of a
// pass stay what they were, the file grows evenly, every sample that was fed
// is there, once, no pass has a hole, and `heapstash check` finds nothing.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
)

func main() {
	o := options{pods: 50}
	flag.IntVar(&o.length, "days", 30, "how many days to simulate")
	flag.Uint64Var(&o.seed, "seed", 1, "what the cluster and its churn depend on")
	dir := flag.String("dir", "", "where to put the archive; by default in memory (/dev/shm), or among temporary files")
	flag.Parse()
	// The heap is small, and would be collected many times a pass. What is in
	// use, which is what counts, is measured after a collection.
	debug.SetGCPercent(400)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, dir string) error {
	if dir == "" {
		made, err := os.MkdirTemp(memory(), "heapstash-soak")
		if err != nil {
			return err
		}
		defer os.RemoveAll(made)
		dir = made
	}
	o.path = filepath.Join(dir, "soak.db")
	s, err := newSoak(o)
	if err != nil {
		return err
	}
	return s.run(ctx, os.Stdout)
}

// memory is where a disk that others use does not count: six times a pass waits
// for it. Empty where there is no such place.
func memory() string {
	const shm = "/dev/shm"
	if info, err := os.Stat(shm); err != nil || !info.IsDir() {
		return ""
	}
	return shm
}
