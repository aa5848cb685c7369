package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"heapstash/archive"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

const (
	demoCluster = "demo"
	demoBatches = 6
	demoStep    = time.Minute // between two batches, on the demo's own clock
)

const demoQuery = `SELECT namespace, pod, count(*) AS minutes,
           round(avg(cpu_usage_rate), 1) AS millicores,
           max(memory_working_set) / 1048576 AS max_mib
    FROM pod GROUP BY namespace, pod ORDER BY millicores DESC LIMIT 8`

func newDemoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Archive a few passes of a made-up cluster, and show what to do next",
		Long: "demo starts a stand-in for Heapster on the loopback interface, archives a few minutes of a\n" +
			"made-up cluster at an accelerated clock, and asks the archive a question. It needs no\n" +
			"cluster and takes seconds. It heeds --db-file only (default heapstash-demo.db), and never\n" +
			"writes into an archive of anything else; run again, it goes on where it stopped.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := Default()
			cfg.DBFile = "heapstash-demo.db"
			if f := cmd.Flags().Lookup("db-file"); f.Changed {
				cfg.DBFile = f.Value.String()
			}
			cfg.ClusterName = demoCluster
			cfg.LogLevel = slog.LevelWarn
			d := demo{cfg: cfg, out: cmd.OutOrStdout(), log: newLogger(cmd.ErrOrStderr(), cfg), program: os.Args[0]}
			return d.run(cmd.Context())
		},
	}
	return cmd
}

// demo shows the main job on a cluster that is made up.
type demo struct {
	cfg Config
	out io.Writer
	log *slog.Logger
	// program is how heapstash was called, for commands to be copied.
	program string

	clock atomic.Int64 // Heapster's and heapstash's time: Unix seconds
}

func (d *demo) now() time.Time { return time.Unix(d.clock.Load(), 0).UTC() }

func (d *demo) run(ctx context.Context) error {
	begin, err := d.begin(ctx)
	if err != nil {
		return err
	}
	d.clock.Store(int64(begin))
	heapster := heapsim.New(heapsim.Options{Now: d.now})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: heapster, ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(listener)
	defer server.Close()
	d.cfg.HeapsterURL = "http://" + listener.Addr().String()

	fmt.Fprintf(d.out, "A stand-in for Heapster answers at %s.\n", d.cfg.HeapsterURL)
	fmt.Fprintf(d.out, "Its clock is accelerated: each batch of samples stands for a minute, and each is archived by one pass.\n\n")
	if err := d.passes(ctx, heapster, begin); err != nil {
		return err
	}
	return d.showArchive(ctx)
}

// begin returns the time of the first batch: the minute after the last one
// that the archive has, or a few minutes ago. It refuses an archive that is
// not the demo's own.
func (d *demo) begin(ctx context.Context) (schema.Instant, error) {
	reader, err := archive.OpenReader(ctx, d.cfg.DBFile)
	if errors.Is(err, schema.ErrNoArchive) {
		return schema.InstantOf(time.Now().Truncate(demoStep).Add(-demoBatches * demoStep)), nil
	}
	if err != nil {
		return 0, err
	}
	defer reader.Close() // read only
	status, err := reader.Status(ctx)
	if err != nil {
		return 0, err
	}
	var newest schema.Instant
	for _, k := range status.Kinds {
		if k.Cluster != demoCluster {
			return 0, hinted{
				fmt.Errorf("%s holds samples of the cluster %q: the demo does not write into it", d.cfg.DBFile, k.Cluster),
				"name another file with --db-file",
			}
		}
		newest = max(newest, k.Newest)
	}
	if newest == 0 {
		newest = schema.InstantOf(time.Now().Truncate(demoStep))
	}
	return newest.Add(demoStep), nil
}

// passes feeds the stand-in batch after batch and makes a pass after each.
func (d *demo) passes(ctx context.Context, heapster *heapsim.Server, begin schema.Instant) error {
	cluster := heapsim.NewCluster(heapsim.ClusterOptions{})
	p := &passer{cfg: d.cfg, log: d.log, now: d.now}

	t := newTable(d.out)
	t.AppendHeader(table.Row{"pass", "batch of", "entities", "new samples", "requests", "received", "what happened before"})
	for i := range demoBatches {
		var event string
		if i == demoBatches/2 {
			killed, added := cluster.Churn(1)
			recreated := statefulPod(cluster)
			cluster.Recreate(recreated)
			event = fmt.Sprintf("%s ended, %s began, %s was recreated", killed[0].Pod, added[0].Pod, recreated.Pod)
		}
		at := begin.Add(time.Duration(i) * demoStep)
		d.clock.Store(int64(at))
		heapster.Feed(cluster.Next(at.Time()))

		summary, err := p.pass(ctx)
		if err != nil {
			return err
		}
		if !summary.Complete() {
			return fmt.Errorf("%w: %s", errHoles, countCauses(summary.Holes))
		}
		done := summary.Pass
		t.AppendRow(table.Row{done.ID, done.Newest, done.Entities, done.New, done.Requests, schema.Size(done.Bytes), event})
	}
	t.Render()
	return nil
}

// statefulPod returns a pod that keeps its name when it is recreated.
func statefulPod(cluster *heapsim.Cluster) schema.Entity {
	for _, pod := range cluster.Pods() {
		if pod.Pod == "web-0" {
			return pod
		}
	}
	return schema.Entity{}
}

// showArchive asks the archive a question, and tells how to go on.
func (d *demo) showArchive(ctx context.Context) error {
	size := schema.Size(fileSize(d.cfg.DBFile))
	fmt.Fprintf(d.out, "\nThe archive is %s (%s). Which pods used most CPU?\n\n", d.cfg.DBFile, size)
	fmt.Fprintf(d.out, "  %s sql --db-file %s \"\n    %s\"\n\n", d.program, d.cfg.DBFile, demoQuery)
	if err := (statement{format: "table"}).run(ctx, d.out, d.cfg.DBFile, demoQuery); err != nil {
		return err
	}
	_, err := fmt.Fprintf(d.out, `
It is plain SQLite: a stock sqlite3 gives the same.

  sqlite3 -header -column %s "
    %s"

Your own cluster, by one of four ways in:

  heapstash collect --heapster-url http://localhost:8082    Heapster itself, or any URL in front of it
  heapstash collect --server http://127.0.0.1:8080          a kubectl proxy
  heapstash collect --kubeconfig admin.conf                 an apiserver, as kubectl reaches it
  heapstash collect                                         in a pod: by its service account

Heapster forgets most samples after 140 seconds, so collect every minute, or let
heapstash do that: heapstash run --db-file /var/lib/heapstash/heapstash.db
`, d.cfg.DBFile, demoQuery)
	return err
}
