//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
)

// pair is a pass and its floor.
type pair struct {
	pass, floor result
}

// bencher has the programs, the Heapster and the cluster of all pairs.
type bencher struct {
	round    round
	dir      string
	programs rig.Programs
	heapster *rig.Heapster
	cluster  *heapsim.Cluster
}

func newBencher(r round) (b *bencher, err error) {
	b = &bencher{round: r, cluster: heapsim.NewCluster(r.size)}
	if b.dir, err = os.MkdirTemp("", "heapstash-bench"); err != nil {
		return nil, err
	}
	if b.programs, err = rig.Build(); err == nil {
		b.heapster, err = rig.RunHeapster(exec.Command(b.programs.Heapster))
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(b.dir))
	}
	return b, nil
}

func (b *bencher) close() error { return errors.Join(b.heapster.Stop(), os.RemoveAll(b.dir)) }

// pair makes the i-th pair, from 0.
func (b *bencher) pair(ctx context.Context, i int) (p pair, err error) {
	archive := filepath.Join(b.dir, strconv.Itoa(i)+".db")
	requests := archive + ".requests"
	if err := b.prepare(ctx, archive, requests); err != nil {
		return p, err
	}
	pass := func() (err error) {
		p.pass, err = run(ctx, b.collect(b.heapster.URL, archive))
		return err
	}
	floor := func() (err error) {
		p.floor, err = runSelf(ctx, replayRole, requests)
		return err
	}
	first, second := pass, floor
	if i%2 == 1 {
		first, second = floor, pass
	}
	if err := errors.Join(first(), second()); err != nil {
		return p, err
	}
	if p.pass.Requests != p.floor.Requests {
		return p, fmt.Errorf("the pass sent %d requests, and the floor %d", p.pass.Requests, p.floor.Requests)
	}
	return p, nil
}

// prepare makes an archive that lacks Heapster's newest batch, and a file with the
// requests of the next pass.
func (b *bencher) prepare(ctx context.Context, archive, requests string) error {
	newest, err := b.feedTwo()
	if err != nil {
		return err
	}
	if _, err := run(ctx, b.collect(b.heapster.URL, archive)); err != nil {
		return err
	}
	if err := b.heapster.Feed(b.cluster.Next(newest)); err != nil {
		return err
	}
	rehearsal := archive + ".copy"
	if err := copyFile(archive, rehearsal); err != nil {
		return err
	}
	recorder, err := record(b.heapster.URL)
	if err != nil {
		return err
	}
	defer recorder.close()
	if _, err := run(ctx, b.collect(recorder.url(), rehearsal)); err != nil {
		return err
	}
	list, err := json.Marshal(recorder.requests())
	if err != nil {
		return err
	}
	return os.WriteFile(requests, list, 0o600)
}

// feedTwo restarts Heapster, gives it the batches of two minutes ago and of one minute
// ago, and returns the time of the next batch.
func (b *bencher) feedTwo() (newest time.Time, err error) {
	if err := b.heapster.Restart(); err != nil {
		return newest, err
	}
	newest = time.Now().Truncate(time.Second)
	for _, ago := range []time.Duration{2 * time.Minute, time.Minute} {
		if err := b.heapster.Feed(b.cluster.Next(newest.Add(-ago))); err != nil {
			return newest, err
		}
	}
	return newest, nil
}

func (b *bencher) collect(url, archive string) []string {
	return b.collectInto(url, "--db-file", archive)
}

// collectInto is collect with the flags that name the archive.
func (b *bencher) collectInto(url string, archive ...string) []string {
	return append([]string{
		"env", "HEAPSTASH_COLLECT_CONTAINERS=" + b.round.containers,
		b.programs.Heapstash, "collect", "--json", "--concurrency", strconv.Itoa(concurrency), "--kinds", b.round.kinds,
		"--heapster-url", url,
	}, archive...)
}

// copyFile copies an archive that no process has open.
func copyFile(from, to string) error {
	if wal, err := os.Stat(from + "-wal"); err == nil && wal.Size() > 0 {
		return fmt.Errorf("%s is not all of the archive: there are %d bytes in its WAL", from, wal.Size())
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o600)
}
