package answer

import (
	"fmt"
	"strings"

	"heapstash/archive"
	"heapstash/archive/query"
)

// identities adds the table of the pods' incarnations and when each is valid. An
// hour that two incarnations share belongs to the later one.
func (p plan) identities(b *builder) {
	b.add("identities AS MATERIALIZED (\n  SELECT *, begin - begin % 3600 AS first_hour, min(until, ifnull(next - next % 3600 - 1, until)) AS last_hour FROM (\n" +
		"    SELECT cluster, namespace, pod, node, owner_kind, owner")
	for _, name := range p.PodColumns() {
		if key, is := strings.CutPrefix(name, query.LabelPrefix); is {
			// The text behind the key, up to the next comma.
			at := fmt.Sprintf("instr(',' || labels, ',%s:')", key)
			rest := fmt.Sprintf("substr(labels, %s + %d)", at, len(key)+1)
			b.add(fmt.Sprintf(",\n      CASE WHEN %s > 0 THEN substr(%[2]s, 1, instr(%[2]s || ',', ',') - 1) END AS %[3]s", at, rest, column(name)))
		}
	}
	b.add(",\n      valid_from AS begin, CASE WHEN present THEN 9223372036854775807 ELSE valid_to END AS until,\n" +
		"      lead(valid_from) OVER (PARTITION BY cluster, namespace, pod ORDER BY valid_from) AS next\n    FROM pod_identities")
	pods := p
	pods.Containers, pods.Nodes = nil, nil
	b.where(pods.names(""))
	b.add(")\n)")
}

// identify adds the rows that inner adds and, if the plan needs that, joins each with
// the pod's incarnation. Inner rows have the names of the series and ts.
func (p plan) identify(b *builder, level archive.Level, inner func()) {
	if !p.NeedsIncarnations() {
		inner()
		return
	}
	b.add("(SELECT r.*")
	for _, name := range p.PodColumns() {
		b.add(", i." + column(name))
	}
	b.add("\n    FROM ")
	inner()
	from, to := "begin", "until"
	if level != archive.Raw {
		from, to = "first_hour", "last_hour"
	}
	b.add(fmt.Sprintf(" AS r LEFT JOIN identities AS i ON i.cluster = r.cluster AND i.namespace = r.namespace AND i.pod = r.pod\n"+
		"      AND r.ts >= i.%s AND r.ts <= i.%s", from, to))
	if p.FiltersNodesOfPods() {
		b.where([]condition{matching("i.node", p.Nodes)})
	}
	b.add(")")
}

// rows adds the columns of the rows of a view that meet the conditions, for a FROM.
func (p plan) rows(b *builder, view string, level archive.Level, columns []string, conditions []condition) {
	if !p.NeedsIncarnations() {
		b.add(view)
		b.where(conditions)
		return
	}
	p.identify(b, level, func() {
		b.add("(SELECT " + strings.Join(append(p.Series(), append([]string{"ts"}, columns...)...), ", ") + " FROM " + view)
		b.where(conditions)
		b.add(")")
	})
}
