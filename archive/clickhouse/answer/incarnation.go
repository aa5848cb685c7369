package answer

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/archive/clickhouse/rows"
	"heapstash/archive/clickhouse/tables"
	"heapstash/archive/query"
)

// identified joins rows with the pods' incarnations, if the plan needs them. Each
// row gets the columns of the incarnation that its pod had then, empty where none is
// known.
func (p plan) identified(samples string) string {
	if !p.NeedsIncarnations() {
		return samples
	}
	var fields []string
	of := func(field string) string {
		if !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
		return fmt.Sprintf("pod_then.%d", slices.Index(fields, field)+3)
	}
	var names []string
	for _, name := range p.PodColumns() {
		text := ""
		if key, is := strings.CutPrefix(name, query.LabelPrefix); is {
			text = label(of("labels"), key)
		} else {
			text = of(name)
		}
		names = append(names, text+" AS "+column(name))
	}
	// Servers of 2018 lose a column that only a function of arrays reads: so t is in a
	// pair, too.
	then, filter := "(t, arrayFirst(i -> i.1 <= t AND t <= i.2, pods)).2 AS pod_then", ""
	if p.FiltersNodesOfPods() {
		node := strings.Replace(of("node"), "pod_then", "i", 1)
		then = "(t, arrayFilter(i -> i.1 <= t AND t <= i.2 AND " + node + " != '' AND " + rows.Matching(node, p.Nodes) + ", pods)).2 AS pods_then"
		filter = " AS j\n  ARRAY JOIN pods_then AS pod_then"
	}
	known := make([]string, len(fields))
	for i, field := range fields {
		known[i] = fmt.Sprintf("ifNull(%s, '')", field)
	}
	pods := p
	pods.Containers, pods.Nodes = nil, nil
	const pod = "cluster, namespace, pod"
	joined := "(SELECT " + list(columns(p.Series()), p.rowColumns()) + ",\n" +
		"    " + then + "\n" +
		"  FROM " + samples + " AS r\n" +
		"  ANY LEFT JOIN (\n" +
		"    SELECT " + pod + ", arraySort(groupArray((toInt64(valid_from), if(present, toInt64(9223372036854775807), toInt64(valid_to)), " + strings.Join(known, ", ") + "))) AS pods\n" +
		"    FROM pod_identities" + where(pods.ofNames()) + "\n" +
		"    GROUP BY " + pod + ") AS p USING (" + pod + "))"
	return "(SELECT " + list(columns(p.Series()), p.rowColumns(), names) + "\n  FROM " + joined + filter + ")"
}

// label returns the value of a key among labels, empty without the key.
func label(labels, key string) string {
	return fmt.Sprintf("substring(arrayFirst(pair -> substring(pair, 1, %[1]d) = %[2]s, splitByChar(',', %[3]s)), %[4]d)",
		len(key)+1, tables.Literal(key+":"), labels, len(key)+2)
}
