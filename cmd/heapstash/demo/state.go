package demo

import (
	"context"
	"errors"
	"fmt"

	"heapstash/archive"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

// State is the part of a story that an archive has.
type State struct {
	Begin, Newest schema.Instant   // zero if there is nothing yet
	Shaken        []schema.Instant // see [NewStory]
	Foreign       string           // another cluster with samples in the archive
}

// The archive has all batches up to the newest batch of a pass that ended. A pass that
// died may have left a part of a batch.
const (
	selectBegin   = `SELECT ifnull(min(first_seen), 0) FROM entities WHERE cluster = ? AND kind = 'cluster'`
	selectNewest  = `SELECT ifnull(max(newest), 0) FROM passes WHERE cluster = ? AND outcome IN ('complete', 'partial')`
	selectForeign = `SELECT ifnull(min(cluster), '') FROM entities WHERE cluster <> ?`
	selectWeb0    = `SELECT valid_from FROM pod_identities WHERE cluster = ?1 AND namespace = 'shop' AND pod = 'web-0'`
)

// Look reads the state of the archive at a path. It is zero if there is no archive.
func Look(ctx context.Context, path string) (State, error) {
	var s State
	reader, err := engine.ReadFile(ctx, path)
	if errors.Is(err, archive.ErrNoArchive) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	defer reader.Close() // read only
	one := func(query string, dest any) error {
		rows, err := reader.Query(ctx, query, Cluster)
		if err != nil {
			return err
		}
		defer rows.Close() // its error is that of rows.Err
		if rows.Next() {
			err = rows.Scan(dest)
		}
		return errors.Join(err, rows.Err())
	}
	if err := errors.Join(one(selectBegin, &s.Begin), one(selectNewest, &s.Newest), one(selectForeign, &s.Foreign)); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	rows, err := reader.Query(ctx, selectWeb0, Cluster)
	if err != nil {
		return s, err
	}
	defer rows.Close() // its error is that of rows.Err
	for rows.Next() {
		var at schema.Instant
		if err := rows.Scan(&at); err != nil {
			return s, err
		}
		s.Shaken = append(s.Shaken, at)
	}
	s.Shaken = shakes(s.Begin, s.Shaken)
	return s, rows.Err()
}
