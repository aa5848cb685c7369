package read

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/pages"
	"heapstash/archive/sqlite/tables"
)

const (
	selectFreeBytes = `SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size`

	// selectClosed counts a table's cold rows, hours and days by namespace. It gets the
	// cold rows from the hours that still have cold rows.
	selectClosed = `SELECT e.cluster, e.namespace,
			sum((SELECT sum(h.samples) FROM TABLE_hour h WHERE h.entity_id = e.id
				AND h.ts > (SELECT min(c.ts) FROM TABLE_cold c WHERE c.entity_id = e.id) - 3600)),
			sum((SELECT count(*) FROM TABLE_hour h WHERE h.entity_id = e.id)),
			sum((SELECT count(*) FROM TABLE_day d WHERE d.entity_id = e.id))
		FROM entity e WHERE WHOSE GROUP BY e.cluster, e.namespace`
	selectHot = `SELECT e.cluster, e.namespace, count(*), 0, 0 FROM TABLE_hot s JOIN entity e ON e.id = s.entity_id GROUP BY e.cluster, e.namespace`
)

// Usage reads the hourly rows and the inner pages of one state of the archive.
func Usage(ctx context.Context, r *conn.Reader) (u archive.Usage, err error) {
	l := tables.NewLayout()
	counts := make(map[string]map[namespaceKey][]int64)
	err = r.InTransaction(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, selectFreeBytes).Scan(&u.Free); err != nil {
			return err
		}
		used, err := conn.UsedBytes(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range l.Tables {
			if counts[t.Name], err = rowCounts(ctx, t, tx); err != nil {
				return err
			}
		}
		sizes, err := TreeSizes(r)
		if err != nil {
			return err
		}
		fillParts(&u, l, sizes, used)
		fillNamespaces(&u, l, sizes, counts)
		return nil
	})
	return u, err
}

// TreeSizes returns the size of each table and index, in bytes. A transaction of r protects
// the pages from being overwritten meanwhile.
func TreeSizes(r *conn.Reader) (sizes map[string]int64, err error) {
	path, err := dbfile.Resolve(r.Path)
	if err != nil {
		return nil, err
	}
	file, err := pages.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	trees, _, err := file.Trees()
	sizes = make(map[string]int64)
	for _, t := range trees {
		if t.Root > 0 {
			sizes[t.Name] = file.Pages(t.Root) * file.PageSize()
		}
	}
	return sizes, err
}

// tablesAt returns the tables of a level.
func tablesAt(name string, level archive.Level) []string {
	if level == archive.Raw {
		return []string{name + "_" + string(tables.Hot), name + "_" + string(tables.Cold)}
	}
	return []string{tables.ClosedRows(name, level)}
}

// SizeAt returns the size of a level's tables, in bytes.
func SizeAt(sizes map[string]int64, name string, level archive.Level) (bytes int64) {
	for _, table := range tablesAt(name, level) {
		bytes += sizes[table]
	}
	return bytes
}

// fillParts fills in the parts.
func fillParts(u *archive.Usage, l tables.Layout, sizes map[string]int64, used int64) {
	rest := used
	add := func(name string) {
		for _, level := range archive.Levels() {
			part := archive.PartUsage{Name: level.View(name), Bytes: SizeAt(sizes, name, level)}
			rest -= part.Bytes
			u.Parts = append(u.Parts, part)
		}
	}
	add(tables.NarrowName)
	for _, t := range l.Tables {
		add(t.Name)
	}
	u.Parts = append(u.Parts, archive.PartUsage{Bytes: max(rest, 0)})
	slices.SortStableFunc(u.Parts, func(a, b archive.PartUsage) int { return cmp.Compare(b.Bytes, a.Bytes) })
}

type namespaceKey struct{ cluster, namespace string }

// rowCounts counts a table's rows by namespace and level.
func rowCounts(ctx context.Context, t *tables.Table, tx *sql.Tx) (map[namespaceKey][]int64, error) {
	sums := make(map[namespaceKey][]int64)
	for _, query := range []string{selectClosed, selectHot} {
		err := conn.Each(ctx, tx, func(rows *sql.Rows) error {
			var key namespaceKey
			var counts [3]sql.Null[int64]
			err := rows.Scan(&key.cluster, &key.namespace, &counts[0], &counts[1], &counts[2])
			if sums[key] == nil {
				sums[key] = make([]int64, len(counts))
			}
			for i, n := range counts {
				sums[key][i] += n.V
			}
			return err
		}, tables.Fill(query, "TABLE", t.Name, "WHOSE", t.Owners()))
		if err != nil {
			return nil, err
		}
	}
	return sums, nil
}

// fillNamespaces fills in the namespaces.
func fillNamespaces(u *archive.Usage, l tables.Layout, sizes map[string]int64, counts map[string]map[namespaceKey][]int64) {
	u.Namespaces = []archive.NamespaceUsage{}
	byKey := make(map[namespaceKey]map[archive.Level]int64)
	for _, t := range l.Tables {
		for i, level := range archive.Levels() {
			var total int64
			for _, rows := range counts[t.Name] {
				total += rows[i]
			}
			for key, rows := range counts[t.Name] {
				if byKey[key] == nil {
					byKey[key] = make(map[archive.Level]int64)
				}
				if total > 0 {
					byKey[key][level] += int64(float64(SizeAt(sizes, t.Name, level)) * float64(rows[i]) / float64(total))
				}
			}
		}
	}
	for key, bytes := range byKey {
		n := archive.NamespaceUsage{Cluster: key.cluster, Namespace: key.namespace, Bytes: bytes}
		for _, b := range bytes {
			n.Total += b
		}
		u.Namespaces = append(u.Namespaces, n)
	}
	slices.SortFunc(u.Namespaces, func(a, b archive.NamespaceUsage) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Namespace, b.Namespace))
	})
}
