package ask

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/guess"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// nameFilter is a flag that selects entities by their names.
type nameFilter struct {
	flag    string // without its dashes
	what    string // that the globs name
	globs   []string
	column  string // of the view entities that has the names
	label   string // for the column labels: the key whose values are the names
	exclude bool   // the flag takes away what matches
}

// spell returns the flags as they were given.
func (f nameFilter) spell() string {
	var given []string
	for _, glob := range f.globs {
		if f.label != "" {
			glob = f.label + ":" + glob
		}
		given = append(given, "--"+f.flag+" "+show.ShellQuote(glob))
	}
	return strings.Join(given, " ")
}

// condition returns the filter in SQL, over the view entities. The nodes of a pod
// are in the view pod_identities.
func (f nameFilter) condition() (text string, args []any) {
	var any []string
	for _, glob := range f.globs {
		glob = strings.ReplaceAll(glob, "[!", "[^")
		switch {
		case f.label != "":
			any, args = append(any, "',' || labels || ',' GLOB ?"), append(args, "*,"+f.label+":"+glob+",*")
		case f.column == "node":
			any = append(any, "(node GLOB ? OR EXISTS (SELECT 1 FROM pod_identities i WHERE i.cluster = e.cluster AND i.namespace = e.namespace AND i.pod = e.pod AND i.node GLOB ?))")
			args = append(args, glob, glob)
		default:
			any, args = append(any, f.column+" GLOB ?"), append(args, glob)
		}
	}
	text = "(" + strings.Join(any, " OR ") + ")"
	if f.exclude {
		text = "ifnull(NOT " + text + ", 1)"
	}
	return text, args
}

// NoMatch returns an error if nothing passes the query's filters of names, or those
// and the kinds, if there are any. It names the filter that nothing passes, and the
// names that there are, the nearest first.
func NoMatch(ctx context.Context, reader *engine.Reader, q query.Query, kinds ...schema.Kind) error {
	where, passed := "1", []string(nil)
	var args []any
	if q.Kind != 0 {
		where, args = "kind = ?", append(args, q.Kind.String())
	}
	for _, f := range filtersOf(q, kinds) {
		if len(f.globs) == 0 {
			continue
		}
		own, ownArgs := f.condition()
		both, bothArgs := where+" AND "+own, append(slices.Clone(args), ownArgs...)
		some, err := texts(ctx, reader, "SELECT '' FROM entities e WHERE "+both+" LIMIT 1", bothArgs)
		if err != nil {
			return err
		}
		if len(some) > 0 {
			where, args, passed = both, bothArgs, append(passed, f.spell())
			continue
		}
		names, err := f.names(ctx, reader, where, args)
		if err != nil {
			return err
		}
		of := ""
		if len(passed) > 0 {
			of = " of " + strings.Join(passed, " ")
		}
		if f.exclude {
			return schema.WithHint(fmt.Errorf("nothing%s is left by %s", of, f.spell()), "it excludes all of "+someNames("", names))
		}
		if len(names) == 0 {
			return schema.WithHint(fmt.Errorf("no %s%s matches %s", f.what, of, f.spell()), "there is none at all")
		}
		return schema.WithHint(fmt.Errorf("no %s%s matches %s", f.what, of, f.spell()), nearNames(f.globs[0], names))
	}
	return nil
}

// names returns the names from which the filter selects, in order.
func (f nameFilter) names(ctx context.Context, reader *engine.Reader, where string, args []any) ([]string, error) {
	list := "SELECT DISTINCT " + f.column + " FROM entities e WHERE " + where + " AND " + f.column + " IS NOT NULL"
	if f.column == "node" {
		list += " UNION SELECT DISTINCT i.node FROM entities e JOIN pod_identities i USING (cluster, namespace, pod) WHERE " +
			strings.NewReplacer("kind = ?", "e.kind = ?", "(namespace", "(e.namespace", "(pod", "(e.pod", "(cluster", "(e.cluster").Replace(where) + " AND i.node IS NOT NULL"
		args = append(slices.Clone(args), args...)
	}
	found, err := texts(ctx, reader, list+" ORDER BY 1", args)
	if err != nil || f.label == "" {
		return found, err
	}
	values := make(map[string]bool)
	for _, labels := range found {
		for pair := range strings.SplitSeq(labels, ",") {
			if value, ok := strings.CutPrefix(pair, f.label+":"); ok {
				values[value] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(values)), nil
}

// texts returns the one column of a query's result.
func texts(ctx context.Context, reader *engine.Reader, statement string, args []any) (all []string, err error) {
	rows, err := reader.Query(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text sql.Null[string]
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text.V)
	}
	return all, rows.Err()
}

// nearNames returns a hint with the names, the nearest to a glob first.
func nearNames(glob string, names []string) string {
	plain := strings.Trim(glob, "*?")
	return guess.AlsoMean(plain, names, "there are "+someNames(plain, names))
}

// mostNames is how many names a hint has at most.
const mostNames = 10

// someNames lists names. Of too many it lists those that are nearest to one.
func someNames(near string, names []string) string {
	names = slices.Clone(names)
	rest := len(names) - mostNames
	if rest <= 0 {
		return show.Visible(strings.Join(names, ", "))
	}
	slices.SortStableFunc(names, func(a, b string) int { return guess.Edits(near, a) - guess.Edits(near, b) })
	return fmt.Sprintf("%s and %d more", show.Visible(strings.Join(names[:mostNames], ", ")), rest)
}

// filtersOf returns the filters of a query and of kinds.
func filtersOf(q query.Query, kinds []schema.Kind) []nameFilter {
	filters := []nameFilter{
		{flag: "cluster-name", what: "cluster", column: "cluster", globs: q.Clusters},
		{flag: "kinds", what: "kind", column: "kind", globs: show.Names(kinds)},
		{flag: "namespace", what: "namespace", column: "namespace", globs: q.Namespaces},
		{flag: "exclude-namespace", what: "namespace", column: "namespace", globs: q.ExcludeNamespaces, exclude: true},
		{flag: "node", what: "node", column: "node", globs: q.Nodes},
		{flag: "pod", what: "pod", column: "pod", globs: q.Pods},
		{flag: "container", what: "container", column: "container", globs: q.Containers},
	}
	for _, key := range slices.Sorted(maps.Keys(q.Labels)) {
		filters = append(filters, nameFilter{flag: "label", what: "label " + key, column: "labels", label: key, globs: []string{q.Labels[key]}})
	}
	return filters
}

// explainLabels returns a better error for a query with labels or groups that no
// kind of entity has, else err.
func explainLabels(q query.Query, err error) error {
	has := q.Metric.Family.LabelKeys()
	words := append([]string{"cluster", "namespace", "pod", "container", "node", "owner"}, has...)
	for _, word := range q.By {
		if near := guess.Nearest(word, words); near != "" && near != word {
			return schema.WithHint(fmt.Errorf("--by %s: %s is not grouped by that", word, q.Metric.Name), "did you mean "+near+"?")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(q.Labels)) {
		if q.Metric.Type == "" || slices.Contains(has, key) {
			continue
		}
		err := fmt.Errorf("--label %s: %s has no label %q", key+":"+q.Labels[key], q.Metric.Name, key)
		if len(has) == 0 {
			return schema.WithHint(err, fmt.Sprintf("the series of %s have no labels; labels of pods are for --by label:%s", q.Metric.Name, key))
		}
		return schema.WithHint(err, guess.AlsoMean(key, has, "its labels are "+strings.Join(has, ", ")))
	}
	return err
}

// ExplainNoMatch returns the error of [NoMatch], or err if something passes the
// query's filters.
func ExplainNoMatch(ctx context.Context, reader *engine.Reader, q query.Query, err error) error {
	return cmp.Or(NoMatch(ctx, reader, q), err)
}

// Globbed reports whether a name matches one of the globs, in which * stands
// for slashes too.
func Globbed(globs []string, name string) bool {
	plain := strings.NewReplacer("/", "\x00").Replace
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(plain(glob), plain(name))
		return ok && err == nil
	})
}
