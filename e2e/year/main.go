// Year makes an archive of a year of 200 pods, or of as many as one likes, to
// ask it questions.
//
//	go run ./year [-file FILE] [-days N] [-raw-days N] [-pods N] [-seed N]
//
// The rows are what a pass a minute would have archived. Those older than
// -raw-days are gone, as with archive.retention.raw, and what they came to by
// the hour and by the day is there.
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
	flag.Uint64Var(&o.Seed, "seed", 1, "what the cluster, its churn and its load depend on")
	flag.IntVar(&o.Days, "days", 365, "how many days there are")
	flag.IntVar(&o.RawDays, "raw-days", 90, "how many of them have a row a minute")
	flag.IntVar(&o.Pods, "pods", 200, "how many pods there are at a time")
	flag.IntVar(&o.Namespaces, "namespaces", 10, "how many namespaces")
	flag.IntVar(&o.Nodes, "nodes", 10, "how many nodes")
	file := flag.String("file", "year.db", "the archive to be made; it is replaced")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *file, o); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "year:", err)
		os.Exit(1)
	}
}

// run makes the archive under another name first, so that what is there is
// whole.
func run(ctx context.Context, file string, o history.Options) error {
	began := time.Now()
	partial := file + ".making"
	leftovers := []string{partial, partial + "-wal", partial + "-shm", partial + "-journal", partial + ".lock"}
	for _, name := range leftovers {
		os.Remove(name) // of a run that was interrupted; Make says if it is there
	}
	if err := history.Make(ctx, partial, o); err != nil {
		return err
	}
	for _, name := range append(leftovers[1:], file+"-wal", file+"-shm") {
		os.Remove(name) // empty, or of what is replaced
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
