// Soak archives an accelerated month and checks that only the archive grows. A
// stand-in Heapster has a batch a minute of a cluster whose pods come and go. One
// process makes a pass after each batch, as `heapstash run` does.
//
//	go run ./soak [-days N] [-seed N] [-dir DIR]
//
// It prints a line for each simulated day, or each hour if there are less than six
// days. It fails unless memory and the time of a pass stay constant, the file grows
// evenly, every sample is there once, some series equal what was fed, no pass has a
// hole, and `heapstash check` finds nothing.
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
	flag.IntVar(&o.Days, "days", 30, "the number of days to simulate")
	flag.Uint64Var(&o.Seed, "seed", 1, "the seed of the cluster and its churn")
	dir := flag.String("dir", "", "the directory of the archive; by default in memory (/dev/shm) if it has enough space, or of temporary files")
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

// needs is an upper limit of the space for the archive and its -wal file, in bytes.
func (o options) needs() int64 { return int64(o.Days)*int64(o.Pods)*500_000 + 100e6 }

// memory returns a directory in memory, because a pass syncs six times and other
// programs use the disk. It returns the empty string, for the directory of temporary
// files, if there is too little memory; containers usually have 64 MB.
func memory(needs int64) string {
	const shm = "/dev/shm"
	var stat unix.Statfs_t
	if err := unix.Statfs(shm, &stat); err != nil {
		return ""
	}
	if free := int64(stat.Bavail) * stat.Bsize; free < needs {
		fmt.Fprintf(os.Stderr, "soak: %s has %d MB free, and the archive may need %d MB: it goes to %s, whose disk affects the times\n",
			shm, free/1e6, needs/1e6, os.TempDir())
		return ""
	}
	return shm
}
