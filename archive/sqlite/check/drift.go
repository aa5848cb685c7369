package check

import (
	"context"
	"slices"
	"strings"

	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// schemaObject is a row of sqlite_schema: a table, an index or a view.
type schemaObject struct{ kind, name, sql string }

const selectSchema = `SELECT type, name, ifnull(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'`

func readSchema(ctx context.Context, db conn.Queryer) ([]schemaObject, error) {
	return conn.List(ctx, db, func(o *schemaObject) []any { return []any{&o.kind, &o.name, &o.sql} }, selectSchema)
}

// freshSchema returns the schema of a new archive of the version, with our views.
func freshSchema(ctx context.Context, version int, l tables.Layout) ([]schemaObject, error) {
	db, err := conn.InMemory(ctx, version)
	if err != nil {
		return nil, err
	}
	defer db.Close() // in memory
	if _, err := db.ExecContext(ctx, tables.ViewScript(l)); err != nil {
		return nil, err
	}
	return readSchema(ctx, db)
}

// drift compares tables, indexes, views and the registry's metrics with a new archive
// of the same version.
func (c *checker) drift() error {
	fresh, err := freshSchema(c.ctx, c.report.Version, c.layout)
	if err != nil {
		return err
	}
	found, err := readSchema(c.ctx, c.tx)
	if err != nil {
		return err
	}
	ours, err := c.ourRegistry()
	if err != nil {
		return err
	}
	drift := Finding{Name: "schema", Meaning: "tables, indexes or views differ from the schema of the file's version"}
	extra := Finding{Name: "schema-additions", Note: true, Meaning: "the schema has additions: heapstash drops unknown views when it makes its own anew"}
	for _, want := range fresh {
		i := slices.IndexFunc(found, func(o schemaObject) bool { return o.name == want.name })
		switch {
		case want.kind == "view" && !ours:
		case i < 0:
			drift.add(want.kind + " " + want.name + " is missing")
		case found[i] != want:
			drift.add(want.kind + " " + want.name + " differs")
		}
	}
	for _, o := range found {
		known := slices.ContainsFunc(fresh, func(want schemaObject) bool { return o.name == want.name })
		if !known && (o.kind != "view" || ours) {
			extra.add(o.kind + " " + o.name)
		}
	}
	c.find(drift)
	c.find(extra)
	if !ours {
		c.find(Finding{Name: "registry", Note: true, Count: 1, Examples: []string{},
			Meaning: "another version of heapstash made the views and the metrics' descriptions: the next pass makes them anew"})
		return nil
	}
	return c.registry()
}

// ourRegistry reports whether the last writer of the file had our registry.
func (c *checker) ourRegistry() (bool, error) {
	stored, err := conn.Setting(c.ctx, c.tx, tables.RegistrySetting)
	return stored == tables.RegistryFingerprint(), err
}

const (
	selectRegistered = `SELECT count(*) FROM metric WHERE name = ? AND column_name IS ? AND unit IS ? AND type IS ? AND description IS ?`
	selectCompacted  = `SELECT table_name FROM compaction ORDER BY table_name`
)

// registry compares the table metric with the registry, and the table names in
// compaction with the layout.
func (c *checker) registry() error {
	f := Finding{Name: "metrics", Meaning: "metrics of the registry are missing in the table metric, or have other descriptions there"}
	for _, m := range schema.Registry() {
		var n int
		err := c.tx.QueryRowContext(c.ctx, selectRegistered, m.Name, m.Column(), m.Unit, m.Type, m.Meaning()).Scan(&n)
		if err != nil {
			return err
		}
		if n == 0 {
			f.add(string(m.Name))
		}
	}
	compacted, err := conn.Column[string](c.ctx, c.tx, selectCompacted)
	if err != nil {
		return err
	}
	unknown := Finding{Name: "compaction-tables", Meaning: "compaction names a table that does not exist"}
	for _, name := range compacted {
		if !slices.ContainsFunc(c.layout.Pairs(), func(p tables.Pair) bool { return p.Name == name }) {
			unknown.add(strings.ToValidUTF8(name, "?"))
		}
	}
	c.find(f)
	c.find(unknown)
	return nil
}
