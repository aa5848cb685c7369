package archive

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"heapstash/archive/sqlite/pages"
	"heapstash/schema"
)

// Usage tells what takes the space of an archive.
type Usage struct {
	// Parts are the parts of the file, the largest first.
	Parts []PartUsage `json:"parts"`
	// Namespaces are those, and all that has none, the largest first.
	Namespaces []NamespaceUsage `json:"namespaces"`
	Free       int64            `json:"free_bytes"` // pages that the next hours fill
}

// PartUsage is what one level of a kind takes, or of a labelled family: its
// tables, to the page.
type PartUsage struct {
	// Name is the view's: pod, pod_hourly; narrow, narrow_hourly and
	// narrow_daily for metrics without a column; empty for all that is not
	// samples: names, the ledger, the schema.
	Name  string `json:"part"`
	Bytes int64  `json:"bytes"`
}

// NamespaceUsage is what the rows of a namespace take, about: as much of each
// table as it has of its rows. Metrics without a column are left out.
type NamespaceUsage struct {
	Cluster   string                 `json:"cluster"`
	Namespace string                 `json:"namespace"` // empty for the cluster, nodes and system containers
	Bytes     map[schema.Level]int64 `json:"bytes"`
	Total     int64                  `json:"total_bytes"`
}

const (
	selectFreeBytes = `SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size`

	// selectClosed has the numbers of cold rows, hours and days of a table by
	// namespace. Cold rows are those of the hours that still have some.
	selectClosed = `SELECT e.cluster, e.namespace,
			sum((SELECT sum(h.samples) FROM TABLE_hour h WHERE h.entity_id = e.id
				AND h.ts > (SELECT min(c.ts) FROM TABLE_cold c WHERE c.entity_id = e.id) - 3600)),
			sum((SELECT count(*) FROM TABLE_hour h WHERE h.entity_id = e.id)),
			sum((SELECT count(*) FROM TABLE_day d WHERE d.entity_id = e.id))
		FROM entity e WHERE WHOSE GROUP BY e.cluster, e.namespace`
	selectHot = `SELECT e.cluster, e.namespace, count(*), 0, 0 FROM TABLE_hot s JOIN entity e ON e.id = s.entity_id GROUP BY e.cluster, e.namespace`
)

// Usage reads the hourly rows of the archive, and its inner pages, on one state
// of it. An archive of version 1 gives no namespaces.
func (r *Reader) Usage(ctx context.Context) (Usage, error) {
	u, err := r.usage(ctx)
	return u, explain(r.path, err)
}

func (r *Reader) usage(ctx context.Context) (u Usage, err error) {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return Usage{}, err
	}
	defer tx.Rollback() // read only
	var version int
	if err := tx.QueryRowContext(ctx, selectVersion).Scan(&version); err != nil {
		return Usage{}, err
	}
	if err := tx.QueryRowContext(ctx, selectFreeBytes).Scan(&u.Free); err != nil {
		return Usage{}, err
	}
	used, err := usedBytes(ctx, tx)
	if err != nil {
		return Usage{}, err
	}
	l := newLayout()
	shares := make(map[string]map[namespaceKey][]int64)
	if version >= rollupVersion {
		for _, t := range l.tables {
			if shares[t.name], err = t.shares(ctx, tx); err != nil {
				return Usage{}, err
			}
		}
	}
	// Last of all: when the file is closed, the process has no lock on it any
	// more. Until then the transaction keeps its pages from being overwritten.
	sizes, err := r.treeSizes()
	if err != nil {
		return Usage{}, err
	}
	u.count(l, sizes, used)
	u.divide(l, sizes, shares)
	return u, nil
}

// treeSizes is the bytes of each table and index.
func (r *Reader) treeSizes() (sizes map[string]int64, err error) {
	path, err := resolve(r.path)
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

// tablesAt are the tables of a level.
func tablesAt(name string, level schema.Level) []string {
	if level == schema.Raw {
		return []string{name + "_" + string(hot), name + "_" + string(cold)}
	}
	return []string{closedRows(name, level)}
}

func sizeAt(sizes map[string]int64, name string, level schema.Level) (bytes int64) {
	for _, table := range tablesAt(name, level) {
		bytes += sizes[table]
	}
	return bytes
}

// count fills in the parts.
func (u *Usage) count(l layout, sizes map[string]int64, used int64) {
	names := []string{narrowName}
	for _, t := range l.tables {
		names = append(names, t.name)
	}
	rest := used
	for _, name := range names {
		for _, level := range schema.Levels() {
			part := PartUsage{Name: name, Bytes: sizeAt(sizes, name, level)}
			if level != schema.Raw {
				part.Name += "_" + string(level)
			}
			rest -= part.Bytes
			u.Parts = append(u.Parts, part)
		}
	}
	u.Parts = append(u.Parts, PartUsage{Bytes: max(rest, 0)})
	slices.SortStableFunc(u.Parts, func(a, b PartUsage) int { return cmp.Compare(b.Bytes, a.Bytes) })
}

type namespaceKey struct{ cluster, namespace string }

// shares is how many rows of each level the namespaces have, of one table.
func (t *table) shares(ctx context.Context, tx *sql.Tx) (map[namespaceKey][]int64, error) {
	shares := make(map[namespaceKey][]int64)
	for _, query := range []string{selectClosed, selectHot} {
		err := each(ctx, tx, func(rows *sql.Rows) error {
			var key namespaceKey
			var counts [3]sql.Null[int64]
			err := rows.Scan(&key.cluster, &key.namespace, &counts[0], &counts[1], &counts[2])
			if shares[key] == nil {
				shares[key] = make([]int64, len(counts))
			}
			for i, n := range counts {
				shares[key][i] += n.V
			}
			return err
		}, strings.NewReplacer("TABLE", t.name, "WHOSE", t.owners()).Replace(query))
		if err != nil {
			return nil, err
		}
	}
	return shares, nil
}

// divide fills in the namespaces.
func (u *Usage) divide(l layout, sizes map[string]int64, shares map[string]map[namespaceKey][]int64) {
	u.Namespaces = []NamespaceUsage{}
	byKey := make(map[namespaceKey]map[schema.Level]int64)
	for _, t := range l.tables {
		for i, level := range schema.Levels() {
			var all int64
			for _, rows := range shares[t.name] {
				all += rows[i]
			}
			for key, rows := range shares[t.name] {
				if byKey[key] == nil {
					byKey[key] = make(map[schema.Level]int64)
				}
				if all > 0 {
					byKey[key][level] += int64(float64(sizeAt(sizes, t.name, level)) * float64(rows[i]) / float64(all))
				}
			}
		}
	}
	for key, bytes := range byKey {
		n := NamespaceUsage{Cluster: key.cluster, Namespace: key.namespace, Bytes: bytes}
		for _, b := range bytes {
			n.Total += b
		}
		u.Namespaces = append(u.Namespaces, n)
	}
	slices.SortFunc(u.Namespaces, func(a, b NamespaceUsage) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Namespace, b.Namespace))
	})
}
