package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"heapstash/archive/sqlite"
	"heapstash/e2e/rig"
)

// taken is the time of one answer.
type taken struct {
	wall time.Duration
	cpu  time.Duration // user and system; 0 if it is not known
}

// command asks by a process. The start of the process counts.
func command(ctx context.Context, name string, arguments ...string) (string, taken, error) {
	c := exec.CommandContext(ctx, name, arguments...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	began := time.Now()
	err := c.Run()
	took := taken{wall: time.Since(began)}
	if err != nil {
		return "", took, fmt.Errorf("%s: %w\n%s", name, err, stderr.String())
	}
	took.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	return stdout.String(), took, nil
}

// askers are the ways of asking an archive.
type askers struct {
	file      string
	heapstash string // the program
	reader    *sqlite.Reader
	influx    *rig.InfluxDB // nil for none
}

func (a askers) stock(ctx context.Context, statement string) (string, taken, error) {
	return command(ctx, "sqlite3", "-readonly", "-batch", "-csv", "-header", a.file, statement)
}

func (a askers) own(ctx context.Context, statement string) (string, taken, error) {
	return command(ctx, a.heapstash, "sql", "--db-file", a.file, "--format", "csv", statement)
}

// open asks over an open connection, as Grafana does.
func (a askers) open(ctx context.Context, statement string) (rows int, took taken, err error) {
	began := time.Now()
	result, err := a.reader.Query(ctx, statement)
	if err != nil {
		return 0, taken{}, err
	}
	defer result.Close()
	columns, err := result.Columns()
	if err != nil {
		return 0, taken{}, err
	}
	cells := make([]sql.RawBytes, len(columns))
	dest := make([]any, len(columns))
	for i := range cells {
		dest[i] = &cells[i]
	}
	for result.Next() {
		if err := result.Scan(dest...); err != nil {
			return 0, taken{}, err
		}
		rows++
	}
	return rows, taken{wall: time.Since(began)}, result.Err()
}

// overHTTP asks InfluxDB over an open connection.
func (a askers) overHTTP(statements []string) (all [][]rig.InfluxSeries, took taken, err error) {
	began := time.Now()
	for _, s := range statements {
		series, err := a.influx.Query(database, s)
		if err != nil {
			return nil, taken{}, err
		}
		all = append(all, series)
	}
	return all, taken{wall: time.Since(began)}, nil
}

// byClient asks InfluxDB by its own program.
func (a askers) byClient(ctx context.Context, statements []string) (taken, error) {
	_, port, _ := strings.Cut(strings.TrimPrefix(a.influx.URL, "http://"), ":")
	_, took, err := command(ctx, "influx", "-host", "127.0.0.1", "-port", port, "-database", database, "-format", "csv",
		"-execute", strings.Join(statements, "; "))
	return took, err
}
