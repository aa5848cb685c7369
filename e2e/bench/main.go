//go:build linux

// Bench measures what a whole pass costs, as a process, against a real
// Heapster: beside a floor, which is a process that sends the same requests,
// with as many in flight, unzips the answers and throws them away.
//
//	go run ./bench [-pairs N]
//
// Each pair has a Heapster of its own with the last three batches of a
// generated cluster, stamped two minutes ago, one minute ago, and now: what a
// Heapster that scrapes every minute holds. (It evicts by the wall clock, so
// batches of other times would not do.) The archive holds the first two, from
// a pass that is not measured. Then one more pass goes through a proxy that
// notes its requests, into a copy of the archive. Then both processes run, in
// turns first and second.
//
// So the archive is small, and nothing is compacted. What a pass costs in an
// archive of a day, compaction included, is what BenchmarkDay of package
// archive measures.
//
// It fails if it cannot measure, not if something is slow.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"

	"heapstash/heapster/heapsim"
)

// size is that of the targets.
var size = heapsim.ClusterOptions{Seed: 1, Nodes: 50, Namespaces: 40, Pods: 1000}

// concurrency is heapstash's default.
const concurrency = 8

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	pairs := flag.Int("pairs", 10, "how many times both are measured")
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
	b, err := newBencher()
	if err != nil {
		return err
	}
	defer b.close()
	var results []pair
	for i := range pairs {
		p, err := b.pair(ctx, i)
		if err != nil {
			return fmt.Errorf("pair %d: %w", i+1, err)
		}
		fmt.Fprintf(os.Stderr, "pair %d of %d: heapstash %v, the floor %v\n", i+1, pairs, p.pass.wall(), p.floor.wall())
		results = append(results, p)
	}
	return printTables(os.Stdout, results)
}
