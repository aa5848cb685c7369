package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"heapstash/e2e/rig"
)

const (
	database = "k8s"
	// linesAtOnce is the number of lines in a request. InfluxDB's documentation
	// recommends 5,000 to 10,000.
	linesAtOnce = 10_000
)

// load loads the archive's pods with the metrics of the questions into InfluxDB, as
// Heapster's own sink writes them.
func load(ctx context.Context, db *rig.InfluxDB, heapstash, archive string, r span) (lines int, err error) {
	if _, err := db.Query("", "CREATE DATABASE "+database); err != nil {
		return 0, err
	}
	arguments := []string{"export", "--db-file", archive, "--format", "influx", "--kinds", "pod",
		"--since", r.begin().Format(time.RFC3339), "--until", r.end.Format(time.RFC3339)}
	for _, m := range metrics {
		arguments = append(arguments, "--metric", m)
	}
	export := exec.CommandContext(ctx, heapstash, arguments...)
	export.Stderr = os.Stderr
	out, err := export.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := export.Start(); err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			_ = export.Process.Kill()
			_ = export.Wait()
		}
	}()
	var some bytes.Buffer
	count, data := 0, false
	flush := func() error {
		if count == 0 {
			return nil
		}
		lines += count
		count = 0
		body := bytes.NewReader(some.Bytes())
		err := db.Write(database, body)
		some.Reset()
		return err
	}
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		line := scanner.Text()
		if strings.HasPrefix(line, "#") || line == "" {
			// The lines before this one are for influx -import.
			data = data || strings.HasPrefix(line, "# CONTEXT-DATABASE")
			continue
		}
		if !data {
			continue
		}
		some.WriteString(line)
		some.WriteByte('\n')
		if count++; count == linesAtOnce {
			if err := flush(); err != nil {
				return lines, err
			}
		}
	}
	if err := cmp.Or(ctx.Err(), scanner.Err()); err != nil {
		return lines, err
	}
	if err := flush(); err != nil {
		return lines, err
	}
	if err := export.Wait(); err != nil {
		return lines, fmt.Errorf("heapstash export: %w", err)
	}
	return lines, nil
}
