// Year makes an archive of a year with 200 pods at a time.
//
//	go run ./year [-file FILE] [-days N] [-raw-days N] [-pods N] [-seed N]
//
// It has the rows of a pass a minute. Rows older than -raw-days are missing, as with
// archive.retention.raw; their hours and days are there.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"heapstash/e2e/history"
	"heapstash/schema"
)

func main() {
	o := history.Options{End: schema.InstantOf(time.Date(2018, 7, 1, 0, 0, 0, 0, time.UTC)), Progress: os.Stderr}
	flag.Uint64Var(&o.Seed, "seed", 1, "the seed of the cluster, its churn and its load")
	flag.IntVar(&o.Days, "days", 365, "the number of days")
	flag.IntVar(&o.RawDays, "raw-days", 90, "the number of days at the end with a row a minute")
	flag.IntVar(&o.Pods, "pods", 200, "the number of pods at a time")
	flag.IntVar(&o.Namespaces, "namespaces", 10, "the number of namespaces")
	flag.IntVar(&o.Nodes, "nodes", 10, "the number of nodes")
	file := flag.String("file", "year.db", "the archive to make; an existing file is replaced")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *file, o); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "year:", err)
		os.Exit(1)
	}
}

// run makes the archive under another name and renames it at the end, so that the
// file is always complete.
func run(ctx context.Context, file string, o history.Options) error {
	began := time.Now()
	partial := file + ".making"
	leftovers := []string{partial, partial + "-wal", partial + "-shm", partial + "-journal", partial + ".lock"}
	for _, name := range leftovers {
		os.Remove(name) // from an interrupted run; if it is still there, Make fails
	}
	if err := history.Make(ctx, partial, o); err != nil {
		return err
	}
	for _, name := range append(leftovers[1:], file+"-wal", file+"-shm") {
		os.Remove(name) // empty, or of the old archive
	}
	if err := os.Rename(partial, file); err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d days of %d pods, a row a minute for %d of them; %.2f GB, in %v\n",
		file, o.Days, o.Pods, o.RawDays, float64(info.Size())/1e9, time.Since(began).Round(time.Second))
	return nil
}
