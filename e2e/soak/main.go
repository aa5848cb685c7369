// Soak archives an accelerated month and watches that nothing grows but the
// archive: the stand-in Heapster has a batch a minute of a cluster whose pods
// come and go, and a pass follows each, in a process of its own, which makes one
// after the other as `heapstash run` does.
//
//	go run ./soak [-days N] [-seed N] [-dir DIR]
//
// It prints a line a simulated day (an hour, if it is to be less than six days),
// and fails unless memory and the time of a pass stay what they were, the file
// grows evenly, some of the series are what was fed, cell by cell, every sample
// that was fed is there, once, no pass has a hole, and `heapstash check` finds
// nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"golang.org/x/sys/unix"
)

func main() {
	if os.Getenv(passerEnv) != "" {
		end(bePasser(os.Stdin, os.Stdout))
		return
	}
	o := options{Pods: 50}
	flag.IntVar(&o.Days, "days", 30, "how many days to simulate")
	flag.Uint64Var(&o.Seed, "seed", 1, "what the cluster and its churn depend on")
	dir := flag.String("dir", "", "where to put the archive; by default in memory (/dev/shm) if there is room, or among temporary files")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	defer stop()
	end(run(ctx, o, *dir))
}

func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, dir string) error {
	if dir == "" {
		made, err := os.MkdirTemp(memory(o.needs()), "heapstash-soak")
		if err != nil {
			return err
		}
		defer os.RemoveAll(made)
		dir = made
	}
	o.Path = filepath.Join(dir, "soak.db")
	s, err := newSoak(o)
	if err != nil {
		return err
	}
	return errors.Join(s.run(ctx, os.Stdout), s.close())
}

// needs is the space that the archive will take with its log, generously.
func (o options) needs() int64 { return int64(o.Days)*int64(o.Pods)*500_000 + 100e6 }

// memory is where a disk that others use does not count: six times a pass waits
// for it. Empty, for the directory of temporary files, where there is no such
// place, or too little of it: containers have 64 MB as a rule.
func memory(needs int64) string {
	const shm = "/dev/shm"
	var stat unix.Statfs_t
	if err := unix.Statfs(shm, &stat); err != nil {
		return ""
	}
	if free := int64(stat.Bavail) * stat.Bsize; free < needs {
		fmt.Fprintf(os.Stderr, "soak: %s has %d MB, and up to %d may be needed: the archive goes to %s, whose disk counts in what follows\n",
			shm, free/1e6, needs/1e6, os.TempDir())
		return ""
	}
	return shm
}
