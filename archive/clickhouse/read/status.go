package read

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive"
	"heapstash/archive/clickhouse/rows"
	"heapstash/archive/clickhouse/tables"
	"heapstash/schema"
)

// statusPasses is the number of passes in a status.
const statusPasses = 5

const (
	selectKinds = `SELECT cluster, kind, toInt64(count()), toInt64(countIf(listed)) FROM entities WHERE ifNull(labels, '') = '' GROUP BY cluster, kind ORDER BY cluster, kind`
	selectTimes = `SELECT cluster, toInt64(min(ts)), toInt64(max(ts)) FROM %s GROUP BY cluster`
	passColumns = `toInt64(id), cluster, toInt64(started), toInt64(ifNull(duration_ms, 0)), outcome, ifNull(error, ''),
    toInt64(ifNull(samples_new, 0)), toInt64(ifNull(conflicts, 0)), toInt64(ifNull(gap_seconds, 0))`
	selectPasses = `SELECT ` + passColumns + ` FROM passes ORDER BY id DESC LIMIT %d`
	selectLast   = `SELECT ` + passColumns + ` FROM passes WHERE cluster = %s ORDER BY id DESC LIMIT 1`
	selectCauses = `SELECT cause, toUInt8(lasting), toInt64(count()), toInt64(ifNull(sum(to_ts - from_ts + 1), 0)), toInt64(max(started))
  FROM (SELECT pass, cause, lasting, from_ts, to_ts FROM holes) AS h
  ALL INNER JOIN (SELECT id AS pass, started FROM passes) AS p USING (pass)
  GROUP BY cause, lasting ORDER BY count() DESC, cause`
)

// Status implements [archive.Teller]. Its sizes are of one replica of each shard.
func Status(ctx context.Context, server rows.Server) (archive.Status, error) {
	s := archive.Status{
		Path: server.Address.String(), Version: tables.Format,
		Free: -1, Kinds: []archive.KindStatus{}, Passes: []archive.PassStatus{}, Causes: []archive.CauseStatus{},
	}
	if err := server.One(ctx, fmt.Sprintf(selectBytes, parts(server), tables.Literal(server.Dialect.Database)), &s.Bytes); err != nil {
		return archive.Status{}, err
	}
	s.Used = s.Bytes
	if err := kinds(ctx, server, &s); err != nil {
		return archive.Status{}, err
	}
	err := server.Each(ctx, fmt.Sprintf(selectPasses, statusPasses), func(row driver.Rows) error {
		p, err := scanPass(row)
		s.Passes = append(s.Passes, p)
		return err
	})
	if err != nil {
		return archive.Status{}, err
	}
	err = server.Each(ctx, selectCauses, func(row driver.Rows) error {
		var c archive.CauseStatus
		var cause string
		var lasting uint8
		var holes, last int64
		err := row.Scan(&cause, &lasting, &holes, &c.Seconds, &last)
		c.Cause, c.Lasting, c.Holes, c.Last = archive.Cause(cause), lasting != 0, int(holes), schema.Instant(last)
		s.Causes = append(s.Causes, c)
		return err
	})
	return s, err
}

// LastPass returns the last pass of a cluster, nil without one.
func LastPass(ctx context.Context, server rows.Server, cluster string) (last *archive.PassStatus, err error) {
	statement := fmt.Sprintf(selectLast, tables.Literal(cluster))
	err = server.Each(ctx, statement, func(row driver.Rows) error {
		p, err := scanPass(row)
		last = &p
		return err
	})
	return last, err
}

// scanPass scans a row of selectPasses.
func scanPass(row driver.Rows) (p archive.PassStatus, err error) {
	var id, started, added, conflicts int64
	var outcome string
	err = row.Scan(&id, &p.Cluster, &started, &p.DurationMS, &outcome, &p.Error, &added, &conflicts, &p.GapSeconds)
	p.ID, p.Started, p.Outcome, p.New, p.Conflicts = archive.PassID(id), schema.Instant(started), archive.Outcome(outcome), int(added), int(conflicts)
	return p, err
}

// kinds fills in s.Kinds.
func kinds(ctx context.Context, server rows.Server, s *archive.Status) error {
	err := server.Each(ctx, selectKinds, func(row driver.Rows) error {
		var k archive.KindStatus
		var kind string
		var entities, listed int64
		err := row.Scan(&k.Cluster, &kind, &entities, &listed)
		if err == nil {
			k.Kind, err = schema.ParseKind(kind)
		}
		k.Entities, k.Listed = int(entities), int(listed)
		s.Kinds = append(s.Kinds, k)
		return err
	})
	if err != nil {
		return err
	}
	for _, kind := range schema.Kinds() {
		err := server.Each(ctx, fmt.Sprintf(selectTimes, kind), func(row driver.Rows) error {
			var cluster string
			var oldest, newest int64
			err := row.Scan(&cluster, &oldest, &newest)
			for i, k := range s.Kinds {
				if k.Cluster == cluster && k.Kind == kind {
					s.Kinds[i].Oldest, s.Kinds[i].Newest = schema.Instant(oldest), schema.Instant(newest)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
