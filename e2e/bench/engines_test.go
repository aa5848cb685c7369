//go:build linux

package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/e2e/rig"
)

var (
	podsFlag  = flag.Int("pods", 10_000, "the number of pods, with two containers each")
	pairsFlag = flag.Int("pairs", 3, "how often a pass into each archive is measured")
)

// TestMain makes the test measure as the program does.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == measureRole {
		if err := measure(context.Background(), os.Args[2], os.Args[3:]); err != nil {
			log.Fatal(err)
		}
		return
	}
	os.Exit(m.Run())
}

// target is where passes archive.
type target struct {
	name    string
	address func(pair int) []string // flags
	servers []*clickhousetest.Server
}

// flags are of a pass that waits even on a slow machine.
func (t target) flags(pair int) []string { return append(t.address(pair), "--timeout", "1m") }

// measuredPass is a pass, and the CPU time of the servers meanwhile.
type measuredPass struct {
	result
	servers time.Duration
}

// cpu returns the CPU time of the target's servers so far.
func (t target) cpu(b *testing.B) (sum time.Duration) {
	for _, s := range t.servers {
		one, err := rig.CPUTime(s.PID())
		if err != nil {
			b.Fatal(err)
		}
		sum += one
	}
	return sum
}

// BenchmarkPass measures passes over a real Heapster into SQLite, a ClickHouse server, and
// a ClickHouse cluster of 2 shards with 2 replicas, in turns.
func BenchmarkPass(b *testing.B) {
	single, cluster := clickhousetest.Start(b), clickhousetest.StartCluster(b, clickhousetest.Options{})
	dir := b.TempDir()
	targets := []target{
		{"SQLite", func(i int) []string { return []string{"--db-file", filepath.Join(dir, fmt.Sprint(i, ".db"))} }, nil},
		{"ClickHouse", func(i int) []string {
			return []string{"--archive", fmt.Sprintf("clickhouse://%s/bench%d", single.Address, i)}
		}, []*clickhousetest.Server{single}},
		{"ClickHouse 2x2", func(i int) []string {
			return []string{"--archive", fmt.Sprintf("clickhouse://%s/bench%d?cluster=%s", strings.Join(cluster.Addresses(), ","), i, cluster.Name)}
		}, cluster.Servers()},
	}
	bench, err := newBencher(round{size: clusterOf(*podsFlag), kinds: allKinds, containers: "export"})
	if err != nil {
		b.Fatal(err)
	}
	defer bench.close()
	passes := make([][]measuredPass, len(targets))
	for i := range *pairsFlag {
		newest, err := bench.feedTwo()
		if err != nil {
			b.Fatal(err)
		}
		for _, t := range targets {
			if _, err := run(b.Context(), bench.collectInto(bench.heapster.URL, t.flags(i)...)); err != nil {
				b.Fatal(err)
			}
		}
		if err := bench.heapster.Feed(bench.cluster.Next(newest)); err != nil {
			b.Fatal(err)
		}
		for n := range targets {
			n = (n + i) % len(targets)
			t := targets[n]
			before := t.cpu(b)
			r, err := run(b.Context(), bench.collectInto(bench.heapster.URL, t.flags(i)...))
			if err != nil {
				b.Fatal(err)
			}
			passes[n] = append(passes[n], measuredPass{r, t.cpu(b) - before})
		}
	}
	printPasses(targets, passes)
}

func printPasses(targets []target, passes [][]measuredPass) {
	fmt.Printf("\na pass over %d pods with two containers each, a process; medians of %d in turns\n\n", *podsFlag, *pairsFlag)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "archive\tsamples\twall s\tratio\tCPU s\tratio\tof servers\tresident MB\tratio\t")
	for n, target := range targets {
		median := func(figure func(measuredPass) float64) (of, ratio float64) {
			of = spreadOf(passes[n], figure).median
			return of, of / spreadOf(passes[0], figure).median
		}
		wall, wallRatio := median(func(p measuredPass) float64 { return p.Wall.Seconds() })
		cpu, cpuRatio := median(func(p measuredPass) float64 { return p.CPU.Seconds() })
		servers := spreadOf(passes[n], func(p measuredPass) float64 { return p.servers.Seconds() }).median
		resident, residentRatio := median(func(p measuredPass) float64 { return float64(p.RSS) / 1e6 })
		fmt.Fprintf(t, "%s\t%d\t%.1f\t%.2f\t%.1f\t%.2f\t%.1f\t%.0f\t%.2f\t\n", target.name, passes[n][0].Samples,
			wall, wallRatio, cpu, cpuRatio, servers, resident, residentRatio)
	}
	t.Flush()
}
