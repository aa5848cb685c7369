package answer

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"heapstash/archive/query"
	"heapstash/archive/sqlite/conn"
)

// Names returns the names that the query's entities have in the columns.
func (a Archive) Names(ctx context.Context, q query.Query, columns ...string) (found [][]string, err error) {
	s := planOf(q).entityNames(columns)
	err = conn.Each(ctx, a.reader.DB, func(rows *sql.Rows) error {
		names := make([]string, len(columns))
		into := make([]any, len(columns))
		for i := range names {
			into[i] = &names[i]
		}
		err := rows.Scan(into...)
		if strings.Join(names, "") != "" {
			found = append(found, names)
		}
		return err
	}, s.text, s.args...)
	return found, a.reader.WithRemedy(err)
}

// entityNames returns the statement for [Names].
func (p plan) entityNames(columns []string) statement {
	const node = "ifnull(e.node, i.node)"
	incarnations := len(p.Nodes) > 0
	var list, order []string
	for i, column := range columns {
		switch column {
		case "node":
			column, incarnations = node, true
		case "owner", "pod_labels":
			column, incarnations = "i."+column, true
		default:
			column = "e." + column
		}
		list = append(list, "ifnull("+column+", '')")
		order = append(order, fmt.Sprint(i+1))
	}
	conditions := []condition{{text: "1"}}
	if p.Kind != 0 {
		conditions = []condition{{text: fmt.Sprintf("e.kind = '%v'", p.Kind)}}
	}
	if len(p.Nodes) > 0 {
		conditions = append(conditions, matching(node, p.Nodes))
	}
	if len(p.ExcludeNamespaces) > 0 {
		c := matching("e.namespace", p.ExcludeNamespaces)
		conditions = append(conditions, condition{"ifnull(NOT " + c.text + ", 1)", c.args})
	}
	others := p
	others.Nodes, others.ExcludeNamespaces = nil, nil
	conditions = append(append(conditions, others.names("e.")...), p.ofLabels()...)

	b := new(builder)
	b.add("SELECT DISTINCT " + strings.Join(list, ", ") + " FROM entities e")
	if incarnations {
		b.add(" LEFT JOIN (SELECT DISTINCT cluster, namespace, pod, node, owner, labels AS pod_labels FROM pod_identities) i" +
			" ON i.cluster = e.cluster AND i.namespace = e.namespace AND i.pod = e.pod")
	}
	b.where(conditions)
	b.add(" ORDER BY " + strings.Join(order, ", "))
	return b.statement()
}

// ofLabels returns the conditions on the labels of the entities e.
func (p plan) ofLabels() []condition {
	var list []condition
	for _, key := range slices.Sorted(maps.Keys(p.Labels)) {
		list = append(list, condition{"',' || e.labels || ',' GLOB ?", []any{"*," + key + ":" + p.Labels[key] + ",*"}})
	}
	return list
}
