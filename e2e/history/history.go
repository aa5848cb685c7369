// Package generate makes archives of many months: what heapstash would have
// archived of a cluster whose pods come and go, whose load follows the day and
// the week, and one of whose namespaces grows. Rows go straight into the tables
// that FORMAT.md describes; what they come to in an hour is left to the archive
// itself, but for those hours whose rows are not kept.
package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

// Options tell how large an archive is. The same ones give the same rows,
// however many days of raw rows there are: the older hours are then all that is
// left of theirs.
type Options struct {
	Seed uint64
	// End is the midnight, UTC, up to which everything is compacted. Half an
	// hour more is hot.
	End schema.Instant
	// Days is the length of time before End. RawDays of them have a row a
	// minute, and all have hourly and daily rollups.
	Days, RawDays int
	// Pods are those at any one moment; each is replaced now and then.
	Pods, Namespaces, Nodes int
	// Progress, if not nil, is told what is done.
	Progress io.Writer
}

// hotMinutes is for how long there are rows after [Options].End: so long that
// its last hour has closed (the settling time of the compaction, and more).
const hotMinutes = 30

// clusterName is the archive's cluster.
const clusterName = "year"

// Make makes an archive at path, where none may be.
func Make(ctx context.Context, path string, o Options) error {
	if o.End%day != 0 || o.RawDays > o.Days || o.RawDays < 1 || o.Pods < 1 || o.Namespaces < 1 || o.Nodes < 1 {
		return fmt.Errorf("not an archive that can be made: %+v", o)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s is there already", path)
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	began := time.Now()
	rows, err := fill(ctx, path, newPlan(o))
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Progress, "%d rows written in %v; rolling %d days up\n", rows, time.Since(began).Round(time.Second), o.RawDays)
	began = time.Now()
	if _, err := upkeep.Compact(ctx, path, sqlite.Options{}, time.Now()); err != nil {
		return err
	}
	fmt.Fprintf(o.Progress, "rolled up in %v\n", time.Since(began).Round(time.Second))
	return nil
}

// fill writes the rows, fast: a crash leaves nothing of use.
func fill(ctx context.Context, path string, p *plan) (rows int64, err error) {
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=rw&_journal_mode=OFF&_synchronous=OFF&_locking_mode=EXCLUSIVE&_cache_size=-200000")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return write(ctx, conn, p)
}
