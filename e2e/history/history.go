// Package history makes archives of many months, as heapstash would have archived a
// generated cluster: pods come and go, the load follows the day and the week, and one
// namespace grows. Rows go straight into the
// tables that FORMAT.md describes. The archive itself rolls them up; where rows
// are not kept, this package writes the hours and the days.
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

// Options are the size of an archive. Archives of the same options have the same
// rows. RawDays only decides of which days the rows are kept.
type Options struct {
	Seed uint64
	// End is the midnight, UTC, up to which everything is compacted. Half an
	// hour more is hot.
	End schema.Instant
	// Days is the number of days before End. The last RawDays of them have a row
	// a minute, and all have hourly and daily rollups.
	Days, RawDays int
	// Pods is the number of pods at a time; each is replaced now and then.
	Pods, Namespaces, Nodes int
	// Progress, if it is not nil, gets a line now and then.
	Progress io.Writer
}

const (
	minute schema.Instant = 60
	hour                  = 60 * minute
	day                   = 24 * hour

	minutesOfDay = 24 * 60
	// hotMinutes is how long rows go on after [Options.End]: until its last hour
	// has closed (the settling time of the compaction, and more).
	hotMinutes = 30
)

// clusterName is the archive's cluster.
const clusterName = "year"

func (o Options) begin() schema.Instant { return o.End - schema.Instant(o.Days)*day }

// minutes is the number of batches, without outages.
func (o Options) minutes() int { return o.Days*minutesOfDay + hotMinutes }

// Make makes an archive at a path where there is no file.
func Make(ctx context.Context, path string, o Options) error {
	if o.End%day != 0 || o.RawDays > o.Days || o.RawDays < 1 || o.Pods < 1 || o.Namespaces < 1 || o.Nodes < 1 {
		return fmt.Errorf("no archive can have these options: %+v", o)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s exists already", path)
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
	rows, err := fill(ctx, path, o)
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

// fill writes the rows, fast: after a crash the file is of no use.
func fill(ctx context.Context, path string, o Options) (rows int64, err error) {
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
	return write(ctx, conn, o)
}
