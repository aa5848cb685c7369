package repair

import (
	"database/sql"
	"maps"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/archive/sqlite/check"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// knownEntity is an entity that was copied.
type knownEntity struct {
	id       int64 // in the new archive
	kind     schema.Kind
	labelled bool
}

type knownMetric struct {
	id   int64 // in the new archive
	name schema.MetricName
}

const (
	emptyMetrics = `DELETE FROM metric; DELETE FROM setting WHERE name = '` + tables.RegistrySetting + `'`
	copyMetric   = `INSERT INTO metric (id, name, column_name, unit, type, description) VALUES (?, ?, ?, ?, ?, ?)`
)

// copyMetrics keeps the ids, because the narrow tables have them. The registry's
// metrics are described, and missing ones added, after everything is copied: until
// then a lost id must not become that of another metric.
func (r *repairer) copyMetrics() error {
	r.metrics = make(map[int64]knownMetric)
	byName := make(map[string]int64)
	if _, err := r.tx.ExecContext(r.ctx, emptyMetrics); err != nil {
		return err
	}
	return r.read("metric", func(rec record) error {
		id, _ := rec.integer("id")
		name := rec.text("name")
		if name == "" {
			r.corrected("metric", "metrics without a name were dropped", 1)
			return nil
		}
		first, twice := byName[name]
		fresh, err := false, error(nil)
		if !twice {
			first = id
			fresh, err = r.put(copyMetric, id, name, rec["column_name"], rec["unit"], rec["type"], rec["description"])
		}
		if fresh {
			byName[name] = id
		}
		if fresh || twice {
			r.metrics[id] = knownMetric{first, schema.MetricName(name)}
		}
		if err == nil && !fresh {
			r.corrected("metric", "metrics that were there twice were brought together", 1)
		}
		return err
	})
}

const (
	copyEntity = `INSERT INTO entity (id, kind, namespace, pod, container, node, labels, cluster, first_seen, last_seen)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	selectKnown   = `SELECT id, kind, labels <> '' FROM entity`
	entityColumns = `kind namespace pod container node labels cluster` // of its key, in order
)

// copyEntities copies entities; those with equal names become one.
func (r *repairer) copyEntities() error {
	r.entities = make(map[int64]knownEntity)
	twins := make(map[int64]int64)
	err := r.read("entity", func(rec record) error {
		id, _ := rec.integer("id")
		var name []any
		for _, n := range strings.Fields(entityColumns) {
			text, ok := rec[n].(string)
			if !ok {
				r.corrected("entity", "entities without their names were dropped", 1)
				return nil
			}
			name = append(name, text)
		}
		firstSeen, ok := rec.integer("first_seen")
		if !ok {
			firstSeen = -1
		}
		fresh, err := r.put(copyEntity, append(append([]any{id}, name...), firstSeen, rec["last_seen"])...)
		if err != nil || fresh {
			return err
		}
		var first int64
		if err := r.tx.QueryRowContext(r.ctx, conn.SelectEntityID, name...).Scan(&first); err != nil {
			r.corrected("entity", "entities whose id another one has were dropped", 1)
			return nil
		}
		twins[id] = first
		r.corrected("entity", "entities that were there twice were brought together", 1)
		return nil
	})
	if err != nil {
		return err
	}
	if err := r.correctTables(func(table string) bool { return table == "entity" }); err != nil {
		return err
	}
	err = conn.Each(r.ctx, r.tx, func(rows *sql.Rows) error {
		var e knownEntity
		err := rows.Scan(&e.id, tables.ScanKind{Kind: &e.kind}, &e.labelled)
		r.entities[e.id] = e
		return err
	}, selectKnown)
	for id, first := range twins {
		if e, known := r.entities[first]; known {
			r.entities[id] = e
		}
	}
	return err
}

// ledgerTables are the tables whose rows are copied unchanged and corrected later.
func (r *repairer) ledgerTables() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(r.columns)), func(name string) bool { return holdsSamples(name) || name == "compaction" })
}

func (r *repairer) copyTable(table string) error {
	c := r.columns[table]
	// The names are those of the migrations.
	verb := "INSERT INTO "
	if table == "setting" {
		verb = "INSERT OR REPLACE INTO " // a new archive has an id, and this is the old one's
	}
	query := verb + table + " (" + strings.Join(c.names, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(c.names)-1) + ")"
	args := make([]any, len(c.names))
	return r.read(table, func(rec record) error {
		if table == "setting" && rec.text("name") == tables.RegistrySetting {
			return nil // our registry's is set in the end
		}
		for i, name := range c.names {
			args[i] = rec[name]
			id, _ := rec.integer(name)
			if e, known := r.entities[id]; known && name == "entity_id" {
				args[i] = e.id
			}
			if m, known := r.metrics[id]; known && name == "metric_id" {
				args[i] = m.id
			}
		}
		fresh, err := r.put(query, args...)
		if err == nil && !fresh {
			r.corrected(table, "rows that were there twice, or were incomplete, were dropped", 1)
		}
		return err
	})
}

const selectMaxHorizon = `SELECT ifnull(max(horizon), 0) FROM cluster_state WHERE typeof(horizon) = 'integer'`

// copyCompaction finds for every table the time up to which rows have moved to
// cold. If compaction does not have it, the cold rows themselves tell.
func (r *repairer) copyCompaction() error {
	r.moved = make(map[string]schema.Instant)
	var horizon schema.Instant
	if err := r.tx.QueryRowContext(r.ctx, selectMaxHorizon).Scan(&horizon); err != nil {
		return err
	}
	if horizon <= 0 || horizon > check.LastSecond {
		horizon = check.LastSecond
	}
	said := make(map[string]schema.Instant)
	err := r.read("compaction", func(rec record) error {
		ts, _ := rec.integer("ts")
		said[rec.text("table_name")] = schema.Instant(ts)
		return nil
	})
	if err != nil {
		return err
	}
	for _, pair := range r.layout.Pairs() {
		name := pair.Name
		at, ok := said[name]
		delete(said, name)
		if !ok || at <= 0 || at > horizon {
			last, err := r.lastCold(name, horizon)
			if err != nil {
				return err
			}
			if ok || last > 0 {
				r.corrected("compaction", "times up to which rows have moved to cold were taken from these", 1)
			}
			if at = 0; last > 0 {
				at = archive.Hourly.Begin(last) + 3599
			}
		}
		if at > 0 {
			r.moved[name] = at
			if _, err := r.put(conn.UpsertCompaction, name, at); err != nil {
				return err
			}
		}
	}
	r.corrected("compaction", "rows of unknown tables were dropped", int64(len(said)))
	return nil
}

// lastCold is the last time in a cold table that is not beyond the horizon.
func (r *repairer) lastCold(name string, horizon schema.Instant) (last schema.Instant, err error) {
	c := r.columns[name+"_cold"]
	column := slices.Index(c.names, "ts")
	root := slices.IndexFunc(r.trees, isTable(name+"_cold"))
	if root < 0 {
		return 0, nil
	}
	_, err = r.old.Rows(r.trees[root].Root, c.keys, func(_ int64, row []any) error {
		if ts, ok := row[column].(int64); ok && schema.Instant(ts) <= horizon {
			last = max(last, schema.Instant(ts))
		}
		return nil
	})
	return last, err
}
