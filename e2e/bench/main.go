//go:build linux

// Bench measures the cost of a whole pass against a real Heapster, as a process. It
// compares the pass with a floor: a process that sends the same requests with the same
// concurrency, unzips the answers and drops them.
//
//	go run ./bench [-pairs N]
//
// For each pair, Heapster has three batches of a generated cluster: of two minutes
// ago, of one minute ago, and of now, as if it scraped every minute. (It evicts by the
// real clock.) The archive has the first two, from a pass that is not measured. The
// next pass goes into a copy of the archive, through a proxy that records its
// requests. Then both processes run; their order alternates.
//
// So the archive is small, and nothing is compacted. BenchmarkDay of package archive
// measures a pass into an archive of a day, with compaction.
//
// It fails if a measurement fails, but not if a pass is slow.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"heapstash/heapster/heapsim"
)

// round is a cluster, a way of reading it, and the promised costs.
type round struct {
	name       string
	size       heapsim.ClusterOptions
	kinds      string
	containers string // the setting collect.containers
	share      int    // one of so many pairs is made

	// The targets: the wall time as a multiple of the floor's, or in itself,
	// and the memory in MB.
	ratio    float64
	wall     time.Duration
	resident float64
}

const allKinds = "cluster,node,namespace,pod,container,system_container"

func clusterOf(pods int) heapsim.ClusterOptions {
	return heapsim.ClusterOptions{Seed: 1, Nodes: pods / 20, Namespaces: 40, Pods: pods}
}

// rounds returns the promises. The last two show how the cost grows.
func rounds() []round {
	return []round{
		{name: "cluster, nodes, namespaces, pods", size: clusterOf(1000), kinds: "cluster,node,namespace,pod",
			containers: "off", share: 1, ratio: 1.5, resident: 64},
		{name: "every kind", size: clusterOf(1000), kinds: allKinds, containers: "full", share: 1, ratio: 1.5, resident: 96},
		{name: "every kind, containers by the export", size: clusterOf(1000), kinds: allKinds, containers: "export", share: 3},
		{name: "every kind, containers by the export", size: clusterOf(10000), kinds: allKinds, containers: "export", share: 3,
			wall: time.Minute, resident: 256},
	}
}

// concurrency is heapstash's default.
const concurrency = 8

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	pairs := flag.Int("pairs", 10, "how often both are measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	// This program starts itself in two other roles.
	var err error
	switch args := flag.Args(); {
	case len(args) == 2 && args[0] == replayRole:
		err = replay(ctx, args[1])
	case len(args) > 2 && args[0] == measureRole:
		err = measure(ctx, args[1], args[2:])
	case len(args) == 0:
		err = bench(ctx, *pairs)
	default:
		err = fmt.Errorf("unexpected arguments: %q", args)
	}
	if err != nil {
		stop()
		log.Fatal(err)
	}
}

func bench(ctx context.Context, pairs int) error {
	var medians []float64
	for _, r := range rounds() {
		results, err := r.measure(ctx, max(1, pairs/r.share))
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		if err := r.print(os.Stdout, results); err != nil {
			return err
		}
		medians = append(medians, wallOf(results).median)
	}
	last := len(medians) - 1
	fmt.Printf("Ten times the pods took %.1f times as long.\n\n", medians[last]/medians[last-1])
	fmt.Println("Bytes a sample (<= 4.9), and bytes written a pass with compaction (<= 2 MB for 30,000 samples): BenchmarkDay of package archive.")
	return nil
}

func (r round) measure(ctx context.Context, pairs int) ([]pair, error) {
	b, err := newBencher(r)
	if err != nil {
		return nil, err
	}
	defer b.close()
	var results []pair
	for i := range pairs {
		p, err := b.pair(ctx, i)
		if err != nil {
			return nil, fmt.Errorf("pair %d: %w", i+1, err)
		}
		fmt.Fprintf(os.Stderr, "pair %d of %d: heapstash %v, the floor %v\n", i+1, pairs, p.pass.wall(), p.floor.wall())
		results = append(results, p)
	}
	return results, nil
}
