//go:build linux

package main

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"math"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/collect"
	"heapstash/e2e/rig"
	"heapstash/schema"
)

// engine is a program that archives, or answers.
type engine struct {
	name    string
	store   store  // nil for a reader
	path    string // or URL
	servers []int  // ids of their processes
	written spent

	// ask answers a statement.
	ask func(ctx context.Context, statement string, keys int) (answer, error)
	// statement is the question in the engine's SQL.
	statement func(q question, r span) string
}

// store is an archive that is open for passes.
type store interface {
	collect.Store
	Close() error
}

// close closes the store, and forgets what it remembers.
func (e *engine) close() {
	if e.store != nil {
		_ = e.store.Close()
		e.store = nil
	}
}

// spent is what something took.
type spent struct {
	wall, own, servers time.Duration // own and servers are CPU times
	passes             int
	rows, samples      int64
}

func (s spent) cpu() time.Duration { return s.own + s.servers }

// clock reads the CPU times of this process and of the servers.
func (e *engine) clock() (now spent, err error) {
	var own unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &own); err != nil {
		return now, err
	}
	now.own = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	for _, pid := range e.servers {
		cpu, err := rig.CPUTime(pid)
		if err != nil {
			return now, err
		}
		now.servers += cpu
	}
	return now, nil
}

// during returns the times of a function. Nothing else runs in this process.
func (e *engine) during(f func() error) (took spent, err error) {
	before, err := e.clock()
	if err != nil {
		return took, err
	}
	began := time.Now()
	if err := f(); err != nil {
		return took, fmt.Errorf("%s: %w", e.name, err)
	}
	took.wall = time.Since(began)
	after, err := e.clock()
	took.own, took.servers = after.own-before.own, after.servers-before.servers
	return took, err
}

// pass writes batches as one pass.
func (e *engine) pass(ctx context.Context, at schema.Instant, batches iter.Seq[[]schema.Row]) error {
	var rows, samples int64
	took, err := e.during(func() error {
		p := archive.Pass{Cluster: "bench", Started: at.Time(), Finished: at.Time(), Outcome: archive.OutcomeComplete}
		var err error
		if p.ID, err = e.store.BeginPass(ctx, p); err != nil {
			return err
		}
		memory, err := e.store.Memory(ctx, p.Cluster)
		if err != nil {
			return err
		}
		for all := range batches {
			b := archive.Batch{Pass: p.ID, Cluster: p.Cluster, Rows: all, Horizon: at, Seen: at, Watermarks: make(map[schema.Scope]schema.Instant)}
			for _, row := range all {
				b.Watermarks[row.Entity.Scope()] = at
				if _, known := memory.Entities[row.Entity]; !known {
					b.Appeared = append(b.Appeared, row.Entity)
				}
			}
			w, err := e.store.Write(ctx, b)
			if err != nil {
				return err
			}
			rows, samples = rows+int64(len(all)), samples+int64(w.New)
		}
		if _, err := e.store.Upkeep(ctx, at); err != nil {
			return err
		}
		return e.store.EndPass(ctx, p, nil)
	})
	e.written.wall += took.wall
	e.written.own += took.own
	e.written.servers += took.servers
	e.written.passes++
	e.written.rows += rows
	e.written.samples += samples
	return err
}

// bytes returns the archive's size on disk, of one replica of each shard.
func (e *engine) bytes(ctx context.Context) (int64, error) {
	if len(e.servers) == 0 {
		info, err := os.Stat(e.path)
		if err != nil {
			return 0, err
		}
		return info.Size(), nil
	}
	reader, err := clickhouse.OpenReader(ctx, e.path, conn.Options{})
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	status, err := reader.Status(ctx)
	return status.Bytes, err
}

// peaks returns the most memory of this process, and of the servers together, in MB.
func (e *engine) peaks() (own, servers float64, err error) {
	if own, err = peak("self"); err != nil {
		return 0, 0, err
	}
	for _, pid := range e.servers {
		one, err := peak(pid)
		if err != nil {
			return 0, 0, err
		}
		servers += one
	}
	return own, servers, nil
}

// parseRows reads an answer.
func parseRows(rows *sql.Rows, keys int) (answer, error) {
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, dest := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	a := make(answer)
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		if err := a.add(values, keys); err != nil {
			return nil, err
		}
	}
	return a, rows.Err()
}

// add adds a row: keys first, then numbers.
func (a answer) add(row []any, keys int) error {
	var names []string
	for _, key := range row[:keys] {
		names = append(names, fmt.Sprint(key))
	}
	var values []float64
	for _, cell := range row[keys:] {
		v := math.NaN()
		if cell != nil {
			if _, err := fmt.Sscan(fmt.Sprint(cell), &v); err != nil {
				return err
			}
		}
		values = append(values, v)
	}
	a[strings.Join(names, "/")] = values
	return nil
}

// forgetPeak makes [peak] begin again.
func forgetPeak() error { return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// peak returns the most memory that a process had, in MB.
func peak(process any) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%v/status", process))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	var kb float64
	_, err = fmt.Sscan(after, &kb)
	return kb * 1024 / 1e6, err
}
