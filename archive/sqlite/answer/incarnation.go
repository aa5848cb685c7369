package query

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// A pod's row has no node, owner or labels of its own. It has those of the
// incarnation that the pod had at the row's time, which the view pod_identities
// knows. A pod that was deleted and made again on another node counts on each
// node for the time that it was there.

// labelPrefix begins the word that groups by a label of pods.
const labelPrefix = "label:"

// ofPods reports whether the kind's rows belong to a pod.
func ofPods(k schema.Kind) bool { return k == schema.Pod || k == schema.Container }

// identityColumns are the columns that a word of By adds to the rows of pods and
// containers; none if the word is not one of those.
func identityColumns(word string) []string {
	switch {
	case word == "node":
		return []string{"node"}
	case word == "owner":
		return []string{"owner_kind", "owner"}
	case strings.HasPrefix(word, labelPrefix):
		return []string{word}
	default:
		return nil
	}
}

// identity are the columns of pod_identities that the groups have.
func (q Query) identity() []string {
	if !ofPods(q.Kind) {
		return nil
	}
	var columns []string
	for _, word := range q.By {
		for _, column := range identityColumns(word) {
			if !slices.Contains(columns, column) {
				columns = append(columns, column)
			}
		}
	}
	return columns
}

// nodesOfPods reports whether the filter of nodes is about the pods' nodes.
func (q Query) nodesOfPods() bool { return ofPods(q.Kind) && len(q.Nodes) > 0 }

// identified reports whether rows are joined with the incarnations of pods.
func (q Query) identified() bool { return len(q.identity()) > 0 || q.nodesOfPods() }

// has reports whether the kind has what a filter or a word of By speaks of.
func (q Query) has(word string) bool {
	return slices.Contains(q.series(), word) || ofPods(q.Kind) && identityColumns(word) != nil
}

// checkLabels reports a key that no label of Kubernetes has.
func (q Query) checkLabels() error {
	for _, word := range q.By {
		key, is := strings.CutPrefix(word, labelPrefix)
		if is && (key == "" || strings.ContainsFunc(key, notInKey)) {
			return &Error{fmt.Sprintf("--by %s: no label has the key %q", word, key), "a key is of letters, digits and - _ . /, as in --by label:app.kubernetes.io/name"}
		}
	}
	return nil
}

func notInKey(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_./", r))
}

// column is how a column of groups is spelled in SQL.
func column(name string) string {
	if strings.HasPrefix(name, labelPrefix) {
		return `"` + name + `"`
	}
	return name
}

func columnNames(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = column(name)
	}
	return list
}

// keys are the groups' columns in SQL.
func (q Query) keys() string { return strings.Join(columnNames(q.Groups()), ", ") }

// identities writes the table of incarnations, each with when it is valid. Hours
// are whole: one that two incarnations share is the later one's.
func (p Plan) identities(b *builder) {
	b.add("identities AS MATERIALIZED (\n  SELECT *, begin - begin % 3600 AS first_hour, min(until, ifnull(next - next % 3600 - 1, until)) AS last_hour FROM (\n" +
		"    SELECT cluster, namespace, pod, node, owner_kind, owner")
	for _, name := range p.identity() {
		if key, is := strings.CutPrefix(name, labelPrefix); is {
			// The text behind the key, up to the next comma.
			at := fmt.Sprintf("instr(',' || labels, ',%s:')", key)
			rest := fmt.Sprintf("substr(labels, %s + %d)", at, len(key)+1)
			b.add(fmt.Sprintf(",\n      CASE WHEN %s > 0 THEN substr(%[2]s, 1, instr(%[2]s || ',', ',') - 1) END AS %[3]s", at, rest, column(name)))
		}
	}
	b.add(",\n      valid_from AS begin, CASE WHEN present THEN 9223372036854775807 ELSE valid_to END AS until,\n" +
		"      lead(valid_from) OVER (PARTITION BY cluster, namespace, pod ORDER BY valid_from) AS next\n    FROM pod_identities")
	pods := p.Query
	pods.Containers, pods.Nodes = nil, nil
	b.where(pods.ofNames(""))
	b.add(")\n)")
}

// identify writes the rows that inner writes, with the incarnation of each
// joined to them, if the plan needs that. Inner rows have the series' names and ts.
func (p Plan) identify(b *builder, level archive.Level, inner func()) {
	if !p.identified() {
		inner()
		return
	}
	b.add("(SELECT r.*")
	for _, name := range p.identity() {
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
	if p.nodesOfPods() {
		b.where([]condition{matching("i.node", p.Nodes)})
	}
	b.add(")")
}

// rows writes what a FROM takes for the rows of a view that meet the conditions,
// of which the columns are wanted.
func (p Plan) rows(b *builder, view string, level archive.Level, columns []string, conditions []condition) {
	if !p.identified() {
		b.add(view)
		b.where(conditions)
		return
	}
	p.identify(b, level, func() {
		b.add("(SELECT " + strings.Join(append(p.series(), append([]string{"ts"}, columns...)...), ", ") + " FROM " + view)
		b.where(conditions)
		b.add(")")
	})
}

// rolledNames are the columns of a rollup that the plan's cells are made of.
func (p Plan) rolledNames() []string {
	var names []string
	add := func(what string) {
		if name := p.rolled(what); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, need := range p.needs() {
		if what, ok := rolledColumns[need]; ok {
			add(what)
		}
		if need == "since" {
			names = append(names, "first_seen", "last_seen")
		}
		if slices.Contains(ofBatches, need) {
			add("count")
		}
	}
	return names
}
