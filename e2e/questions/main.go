//go:build linux

// Questions measures how long answers from an archive of a year take, and compares
// the times with the promised ones. It asks InfluxDB 1.x the same questions of the
// same samples, in the schema of Heapster's own sink.
//
//	go run ./questions [-file FILE] [-runs N] [-days N] [-influx=false]
//
// The caches are warm: each question is asked once before it is measured. The ways of
// asking alternate, and the medians count. sqlite3 and heapstash sql are processes,
// and their start counts; "open" is an open connection. InfluxDB uses all cores,
// SQLite one.
//
// It fails if answers differ or a measurement fails, but not if an answer is slow.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"heapstash/archive/sqlite"
	"heapstash/e2e/rig"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("questions: ")
	file := flag.String("file", "year.db", "the archive")
	runs := flag.Int("runs", 9, "how often each question is asked")
	days := flag.Int("days", 30, "the number of days to load into InfluxDB")
	influx := flag.Bool("influx", true, "ask InfluxDB, too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *file, *runs, *days, *influx); err != nil {
		stop()
		log.Fatal(err)
	}
}

func run(ctx context.Context, file string, runs, days int, withInflux bool) (err error) {
	a := askers{file: file}
	if a.heapstash, err = rig.BuildHeapstash(); err != nil {
		return err
	}
	if a.reader, err = sqlite.OpenReader(ctx, file); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.reader.Close()) }()
	end, err := a.end(ctx)
	if err != nil {
		return err
	}
	who := subject{namespace: "shop", pod: "web-0"}
	questions := who.questions()
	if err := a.promised(ctx, os.Stdout, questions, end, runs); err != nil || !withInflux {
		return err
	}

	dir, err := os.MkdirTemp("", "heapstash-questions")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if a.influx, err = rig.StartInfluxDB(ctx, dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.influx.Stop()) }()
	began := time.Now()
	lines, err := load(ctx, a.influx, a.heapstash, file, span{end, days})
	if err != nil {
		return err
	}
	fmt.Printf("%d samples of %d days were loaded into InfluxDB in %v.\n\n", lines, days, time.Since(began).Round(time.Second))
	return a.beside(ctx, os.Stdout, questions, span{end, days}, runs)
}

// end returns the midnight after the archive's last complete day.
func (a askers) end(ctx context.Context) (time.Time, error) {
	text, _, err := a.stock(ctx, "SELECT max(ts) + 86400 AS upto FROM cluster_daily")
	if err != nil {
		return time.Time{}, err
	}
	_, number, _ := strings.Cut(strings.TrimSpace(text), "\n")
	seconds, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s has no day: %w", a.file, err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
