package query

import (
	"fmt"
	"maps"
	"slices"

	"heapstash/schema"
)

// Things is the condition on the archive's table of entities, by the name e,
// that the query's filters come to. It has no WHERE before it.
func (q Query) Things() Statement {
	b := new(builder)
	b.add(fmt.Sprintf("e.kind = '%v'", q.Kind))
	switch {
	case q.long():
	case q.Metric.Family == schema.Unlabelled:
		b.add(" AND e.labels = ''")
	default:
		b.add(" AND e.labels <> ''")
	}
	for _, c := range q.ofNames("e.") {
		b.add(" AND "+c.text, c.args...)
	}
	if q.nodesOfPods() {
		c := matching("i.node", q.Nodes)
		b.add(" AND EXISTS (SELECT 1 FROM pod_identities i WHERE i.cluster = e.cluster AND i.namespace = e.namespace AND i.pod = e.pod AND "+c.text+")", c.args...)
	}
	for _, key := range slices.Sorted(maps.Keys(q.Labels)) {
		b.add(" AND ',' || e.labels || ',' GLOB ?", "*,"+key+":"+q.Labels[key]+",*")
	}
	return b.statement()
}
