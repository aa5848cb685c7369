package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/clickhouse/tables"
)

const (
	// lagLimit is how long a write waits for replicas. Connections do not read from
	// replicas that are behind for longer than two seconds.
	lagLimit = 3 * time.Second
	// replyLimit is how long a replica may take to answer. A dead one takes no part.
	replyLimit = 2 * time.Second
	// deadTime is when a dead replica is asked again.
	deadTime = 15 * time.Second
)

// replica is a server of the cluster that is asked whether it has all rows.
type replica struct {
	conn.Replica
	*conn.Pool
	retry time.Time // it did not answer; zero if it did
}

// settle waits until each living replica has the rows that are written to the tables, so
// that the next statement sees them whichever replica answers it. If a server dies after
// that, another one has its rows.
func (s *Store) settle(ctx context.Context, written ...*tables.Table) error {
	if !s.conn.Dialect.Replicated || len(written) == 0 {
		return nil
	}
	if s.replicas == nil {
		for _, r := range s.conn.Replicas {
			c, err := s.conn.Direct(r, replyLimit)
			if err != nil {
				return err
			}
			s.replicas = append(s.replicas, &replica{Replica: r, Pool: c})
		}
	}
	for begin := time.Now(); ; {
		behind, err := s.behind(ctx, written)
		if err != nil || len(behind) == 0 {
			return err
		}
		if time.Since(begin) > lagLimit {
			s.warn("replicas are behind: " + strings.Join(behind, ", "))
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// behind names the living replicas that do not have all rows of the tables.
func (s *Store) behind(ctx context.Context, written []*tables.Table) (names []string, err error) {
	type part struct {
		shard int
		table string
	}
	begun := make(map[part]bool)       // a replica of the shard has read the log
	unbegun := make(map[part][]string) // replicas that have not
	for _, r := range s.replicas {
		if time.Now().Before(r.retry) {
			continue
		}
		lags, err := r.lags(ctx, s.conn.Address.Database, written)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			r.retry = time.Now().Add(deadTime)
			s.warn(fmt.Sprintf("%s, a replica of shard %d, does not answer: new rows are on the other replicas only", r.Host, r.Shard))
			continue
		}
		for _, lag := range lags {
			p := part{r.Shard, lag.table}
			switch {
			case lag.pointer == 0 && lag.last == 0:
				unbegun[p] = append(unbegun[p], r.Host)
			case lag.pointer <= lag.last || lag.queued > 0 || lag.readOnly > 0:
				names = append(names, r.Host)
			}
			begun[p] = begun[p] || lag.pointer > 0
		}
	}
	for p, hosts := range unbegun {
		if begun[p] { // else nothing was ever written there
			names = append(names, hosts...)
		}
	}
	return names, nil
}

// lag is how far a replica is behind the log of a table: last is the log's last entry, and
// pointer the first that the replica has not read.
type lag struct {
	table                           string
	last, pointer, queued, readOnly uint64
}

func (r *replica) lags(ctx context.Context, database string, written []*tables.Table) (all []lag, err error) {
	var names []string
	for _, t := range written {
		names = append(names, tables.Literal(t.Local()))
	}
	ctx, cancel := context.WithTimeout(ctx, replyLimit)
	defer cancel()
	err = r.Each(ctx, func(rows driver.Rows) error {
		var one lag
		err := rows.Scan(&one.table, &one.last, &one.pointer, &one.queued, &one.readOnly)
		all = append(all, one)
		return err
	}, "SELECT table, toUInt64(log_max_index), toUInt64(log_pointer), toUInt64(inserts_in_queue), toUInt64(is_readonly) FROM system.replicas WHERE database = ? AND table IN ("+strings.Join(names, ", ")+")", database)
	return all, err
}

// warn adds a warning once.
func (s *Store) warn(text string) {
	for _, w := range s.warnings {
		if w == text {
			return
		}
	}
	s.warnings = append(s.warnings, text)
}
