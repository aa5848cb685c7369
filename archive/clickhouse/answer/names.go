package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"heapstash/archive/clickhouse/rows"
	"heapstash/archive/clickhouse/tables"
	"heapstash/archive/query"
)

// Names returns the names that the query's entities have in the columns.
func (a Archive) Names(ctx context.Context, q query.Query, columns ...string) (found [][]string, err error) {
	all, err := a.server.Texts(ctx, len(columns), planOf(q).entityNames(columns))
	for _, names := range all {
		if strings.Join(names, "") != "" {
			found = append(found, names)
		}
	}
	return found, err
}

// entityNames returns the statement for [Archive.Names].
func (p plan) entityNames(columns []string) string {
	entities := "(SELECT cluster, kind, namespace AS of_namespace, pod AS of_pod, container AS of_container, node AS of_node, labels" +
		" FROM " + layout.Entity.Rows() + " FINAL WHERE " + tables.Deleted + " = 0) AS e"
	const pods = "(SELECT DISTINCT cluster, namespace AS of_namespace, pod AS of_pod, ifNull(node, '') AS pod_node, ifNull(owner, '') AS of_owner, " +
		"ifNull(labels, '') AS of_pod_labels FROM pod_identities) AS p"
	const node = "if(of_node = '', pod_node, of_node)"
	from := entities
	list := make([]string, len(columns))
	order := make([]string, len(columns))
	incarnations := len(p.Nodes) > 0
	for i, column := range columns {
		text := "of_" + column
		switch column {
		case "cluster", "kind", "labels":
			text = column
		case "node":
			text, incarnations = node, true
		case "owner", "pod_labels":
			incarnations = true
		}
		order[i] = fmt.Sprintf("name_%d", i)
		list[i] = text + " AS " + order[i]
	}
	if incarnations {
		from += " ALL LEFT JOIN " + pods + " USING (cluster, of_namespace, of_pod)"
	}
	var conditions []string
	if p.Kind != 0 {
		conditions = append(conditions, fmt.Sprintf("kind = '%v'", p.Kind))
	}
	for column, globs := range map[string][]string{
		"cluster": p.Clusters, "of_namespace": p.Namespaces, "of_pod": p.Pods, "of_container": p.Containers, node: p.Nodes,
	} {
		if len(globs) > 0 {
			conditions = append(conditions, column+" != ''", rows.Matching(column, globs))
		}
	}
	if len(p.ExcludeNamespaces) > 0 {
		conditions = append(conditions, "(of_namespace = '' OR NOT "+rows.Matching("of_namespace", p.ExcludeNamespaces)+")")
	}
	conditions = append(conditions, p.ofLabels()...)
	slices.Sort(conditions)
	return "SELECT DISTINCT " + join(list) + " FROM " + from + where(conditions) + " ORDER BY " + join(order)
}
