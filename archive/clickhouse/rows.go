package clickhouse

import (
	"context"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/clickhouse/tables"
	"heapstash/schema"
)

// scanner scans a row into pointers.
type scanner func(into ...any) error

// each calls row for each row of a statement's result.
func (s *Store) each(ctx context.Context, statement string, row func(scanner) error, args ...any) error {
	return s.conn.Each(ctx, func(rows driver.Rows) error { return row(rows.Scan) }, statement, args...)
}

// drafts are rows to insert, by table.
type drafts map[*tables.Table][][]any

// put adds a row with the values of the table's key and values, in order.
func (d drafts) put(t *tables.Table, values ...any) {
	d[t] = append(d[t], append(values, uint8(0), conn.Revision()))
}

// delete adds a row that hides the one with the key.
func (d drafts) delete(t *tables.Table, key ...any) {
	for _, c := range t.Values {
		var blank any
		switch c.Type {
		case "String":
			blank = ""
		case "Int64":
			blank = int64(0)
		}
		key = append(key, blank)
	}
	d[t] = append(d[t], append(key, uint8(1), conn.Revision()))
}

// insert inserts the rows of the tables, in their order.
func (d drafts) insert(ctx context.Context, c *conn.Conn, order ...*tables.Table) error {
	for _, t := range order {
		if err := c.Insert(ctx, t, d[t]); err != nil {
			return err
		}
		delete(d, t)
	}
	return nil
}

// namesOf returns the values of the columns of an entity of any kind, in order.
func namesOf(cluster string, e schema.Entity) []any {
	kind := ""
	if e.Kind != 0 {
		kind = e.Kind.String()
	}
	return []any{cluster, kind, e.Namespace, e.Pod, e.Container, e.Node, e.Labels}
}

// entityNames are the columns of an entity without its cluster.
const entityNames = "kind, namespace, pod, container, node, labels"

// scanEntity scans entityNames, and what follows.
func scanEntity(scan scanner, e *schema.Entity, rest ...any) error {
	var kind string
	err := scan(append([]any{&kind, &e.Namespace, &e.Pod, &e.Container, &e.Node, &e.Labels}, rest...)...)
	if err == nil && kind != "" {
		e.Kind, err = schema.ParseKind(kind)
	}
	return err
}

// within is a condition on the names of entities that holds for the wanted ones, and for
// few others: each name is between the least and the greatest wanted name.
type within struct {
	low, high map[string]string
}

// add makes the condition hold for a column's text.
func (w *within) add(column, text string) {
	if w.low == nil {
		w.low, w.high = make(map[string]string), make(map[string]string)
	}
	if low, ok := w.low[column]; !ok || text < low {
		w.low[column] = text
	}
	if high, ok := w.high[column]; !ok || text > high {
		w.high[column] = text
	}
}

// addEntity adds the entity's names.
func (w *within) addEntity(e schema.Entity) {
	w.add("kind", e.Kind.String())
	w.add("namespace", e.Namespace)
	w.add("pod", e.Pod)
	w.add("container", e.Container)
	w.add("node", e.Node)
	w.add("labels", e.Labels)
}

// condition returns the condition on the columns, beginning with AND.
func (w *within) condition(columns []string) string {
	var b strings.Builder
	for _, c := range columns {
		low, wanted := w.low[c]
		if !wanted {
			continue
		}
		if high := w.high[c]; low == high {
			b.WriteString(" AND " + c + " = " + tables.Literal(low))
		} else {
			b.WriteString(" AND " + c + " >= " + tables.Literal(low) + " AND " + c + " <= " + tables.Literal(high))
		}
	}
	return b.String()
}
