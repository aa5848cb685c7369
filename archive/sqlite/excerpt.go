package sqlite

import (
	"context"
	"errors"
	"iter"
	"net/url"
	"path/filepath"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/schema"
)

// excerptReadings is about how many readings of an excerpt are written at a time.
const excerptReadings = 100_000

// MakeExcerpt makes an archive at a path where there is none. It gets the raw series, and
// the identities of their pods and the labels of namespaces from the archive that r reads.
// It has no rollups.
func MakeExcerpt(ctx context.Context, path string, r *Reader, all iter.Seq2[*archive.Series, error]) (err error) {
	s, err := Open(ctx, path, Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	passes := make(map[string]archive.PassID)
	var batch archive.Batch
	readings := 0
	flush := func() error {
		if len(batch.Rows) == 0 {
			return nil
		}
		_, err := s.Write(ctx, batch)
		batch.Rows, readings = batch.Rows[:0], 0
		return err
	}
	for series, err := range all {
		if err != nil {
			return err
		}
		if series.Cluster != batch.Cluster || readings >= excerptReadings {
			if err := flush(); err != nil {
				return err
			}
			if passes[series.Cluster] == 0 {
				if passes[series.Cluster], err = s.BeginPass(ctx, archive.Pass{Cluster: series.Cluster}); err != nil {
					return err
				}
			}
			batch.Cluster, batch.Pass = series.Cluster, passes[series.Cluster]
		}
		var row schema.Row
		for sample := range series.Samples {
			if sample.At != row.At {
				if len(row.Readings) > 0 {
					batch.Rows = append(batch.Rows, row)
				}
				row = schema.Row{Entity: series.Entity, At: sample.At}
			}
			row.Readings = append(row.Readings, schema.Reading{Metric: series.Columns[sample.Column].Metric, Value: sample.Value})
			readings++
		}
		batch.Rows = append(batch.Rows, row)
	}
	if err := flush(); err != nil {
		return err
	}
	return conn.WithRemedy(path, s.copyIdentities(ctx, r.Path))
}

const (
	attachWhole = `ATTACH DATABASE ? AS whole`
	detachWhole = `DETACH DATABASE whole`
	// samePod joins the pod e of one archive with the pod w of the other.
	samePod = `whole.entity w ON w.kind = 'pod' AND w.namespace = e.namespace AND w.pod = e.pod AND w.container = ''
		AND w.node = '' AND w.labels = '' AND w.cluster = e.cluster`
	copyPods = `INSERT OR IGNORE INTO main.entity (cluster, kind, namespace, pod, container, node, labels, first_seen, last_seen)
		SELECT w.cluster, w.kind, w.namespace, w.pod, '', '', '', w.first_seen, w.last_seen
		FROM (SELECT DISTINCT cluster, namespace, pod FROM main.entity WHERE pod <> '') e JOIN ` + samePod
	copyIdentities = `INSERT OR IGNORE INTO main.pod_identity (entity_id, uid, node, labels, images, owner_kind, owner, valid_from, valid_to)
		SELECT e.id, i.uid, i.node, i.labels, i.images, i.owner_kind, i.owner, i.valid_from, i.valid_to
		FROM main.entity e JOIN ` + samePod + ` JOIN whole.pod_identity i ON i.entity_id = w.id WHERE e.kind = 'pod' AND e.labels = ''`
	copyNamespaceLabels = `INSERT OR IGNORE INTO main.namespace_label (cluster, namespace, labels, valid_from, valid_to)
		SELECT cluster, namespace, labels, valid_from, valid_to FROM whole.namespace_label`
)

// copyIdentities copies the identities of the pods that have samples from another archive.
func (s *Store) copyIdentities(ctx context.Context, from string) error {
	file, err := filepath.Abs(dbfile.RealFile(from))
	if err != nil {
		return err
	}
	source := url.URL{Scheme: "file", Path: file, RawQuery: "mode=ro"}
	if _, err := s.DB.ExecContext(ctx, attachWhole, source.String()); err != nil {
		return err
	}
	for _, statement := range []string{copyPods, copyIdentities, copyNamespaceLabels, detachWhole} {
		if _, err := s.DB.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
