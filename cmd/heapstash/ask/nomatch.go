package ask

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/guess"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// NameFilter is a flag that selects things of the archive by their names.
type NameFilter struct {
	Flag  string // without its dashes
	What  string // that the globs name, for people
	Globs []string
	// column is the one of the view entities that has the names.
	Column string
	// label is the key of the label whose values are the names, for the column
	// labels; empty otherwise.
	label   string
	Exclude bool // what matches is not wanted
}

// spell is the filter as it was given.
func (f NameFilter) spell() string {
	var given []string
	for _, glob := range f.Globs {
		if f.label != "" {
			glob = f.label + ":" + glob
		}
		given = append(given, "--"+f.Flag+" "+show.ShellQuote(glob))
	}
	return strings.Join(given, " ")
}

// condition is the filter in SQL, over the view entities. A pod's node is that
// of its incarnations.
func (f NameFilter) condition() (text string, args []any) {
	var any []string
	for _, glob := range f.Globs {
		glob = strings.ReplaceAll(glob, "[!", "[^")
		switch {
		case f.label != "":
			any, args = append(any, "',' || labels || ',' GLOB ?"), append(args, "*,"+f.label+":"+glob+",*")
		case f.Column == "node":
			any = append(any, "(node GLOB ? OR EXISTS (SELECT 1 FROM pod_identities i WHERE i.cluster = e.cluster AND i.namespace = e.namespace AND i.pod = e.pod AND i.node GLOB ?))")
			args = append(args, glob, glob)
		default:
			any, args = append(any, f.Column+" GLOB ?"), append(args, glob)
		}
	}
	text = "(" + strings.Join(any, " OR ") + ")"
	if f.Exclude {
		text = "ifnull(NOT " + text + ", 1)"
	}
	return text, args
}

// ExplainNoMatch says which of the filters nothing passes, and what there is,
// the nearest names first. It returns nil where something passes all of them.
// The kind, where it is not zero, is that of the things that were asked for.
func ExplainNoMatch(ctx context.Context, reader *engine.Reader, kind schema.Kind, filters []NameFilter) error {
	where, passed := "1", []string(nil)
	var args []any
	if kind != 0 {
		where, args = "kind = ?", append(args, kind.String())
	}
	for _, f := range filters {
		if len(f.Globs) == 0 {
			continue
		}
		own, ownArgs := f.condition()
		both, bothArgs := where+" AND "+own, append(slices.Clone(args), ownArgs...)
		some, err := Texts(ctx, reader, "SELECT '' FROM entities e WHERE "+both+" LIMIT 1", bothArgs)
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
		if f.Exclude {
			return schema.WithHint(fmt.Errorf("nothing%s is left by %s", of, f.spell()), "it excludes all of "+someNames("", names))
		}
		if len(names) == 0 {
			return schema.WithHint(fmt.Errorf("no %s%s matches %s", f.What, of, f.spell()), "there is none at all")
		}
		return schema.WithHint(fmt.Errorf("no %s%s matches %s", f.What, of, f.spell()), nearNames(f.Globs[0], names))
	}
	return nil
}

// names are what the filter chooses among, in order.
func (f NameFilter) names(ctx context.Context, reader *engine.Reader, where string, args []any) ([]string, error) {
	list := "SELECT DISTINCT " + f.Column + " FROM entities e WHERE " + where + " AND " + f.Column + " IS NOT NULL"
	if f.Column == "node" {
		list += " UNION SELECT DISTINCT i.node FROM entities e JOIN pod_identities i USING (cluster, namespace, pod) WHERE " +
			strings.NewReplacer("kind = ?", "e.kind = ?", "(namespace", "(e.namespace", "(pod", "(e.pod", "(cluster", "(e.cluster").Replace(where) + " AND i.node IS NOT NULL"
		args = append(slices.Clone(args), args...)
	}
	found, err := Texts(ctx, reader, list+" ORDER BY 1", args)
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

// Texts is the one column that a query gives.
func Texts(ctx context.Context, reader *engine.Reader, statement string, args []any) (all []string, err error) {
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

// nearNames is a hint that names what there is, the nearest to a glob first.
func nearNames(glob string, names []string) string {
	plain := strings.Trim(glob, "*?")
	hint := ""
	if near := guess.Nearest(plain, names); near != "" {
		hint = "did you mean " + near + "? "
	}
	return hint + "there are " + someNames(plain, names)
}

// mostNames is how many names a hint has.
const mostNames = 10

// someNames lists names, those that are nearest to one if there are too many.
func someNames(near string, names []string) string {
	names = slices.Clone(names)
	rest := len(names) - mostNames
	if rest <= 0 {
		return strings.Join(visibleAll(names), ", ")
	}
	slices.SortStableFunc(names, func(a, b string) int { return guess.Edits(near, a) - guess.Edits(near, b) })
	return fmt.Sprintf("%s and %d more", strings.Join(visibleAll(names[:mostNames]), ", "), rest)
}

func visibleAll(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = show.Visible(name)
	}
	return all
}

// FiltersOf are the filters of a query.
func FiltersOf(q query.Query) []NameFilter {
	filters := []NameFilter{
		{Flag: "cluster-name", What: "cluster", Column: "cluster", Globs: q.Clusters},
		{Flag: "namespace", What: "namespace", Column: "namespace", Globs: q.Namespaces},
		{Flag: "exclude-namespace", What: "namespace", Column: "namespace", Globs: q.ExcludeNamespaces, Exclude: true},
		{Flag: "node", What: "node", Column: "node", Globs: q.Nodes},
		{Flag: "pod", What: "pod", Column: "pod", Globs: q.Pods},
		{Flag: "container", What: "container", Column: "container", Globs: q.Containers},
	}
	for _, key := range slices.Sorted(maps.Keys(q.Labels)) {
		filters = append(filters, NameFilter{Flag: "label", What: "label " + key, Column: "labels", label: key, Globs: []string{q.Labels[key]}})
	}
	return filters
}

// explainLabels says what is wrong with the labels, or the groups, of a query
// that no kind of thing has; err is what was found before.
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
		hint := "its labels are " + strings.Join(has, ", ")
		if near := guess.Nearest(key, has); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
		return schema.WithHint(err, hint)
	}
	return err
}

// NothingThere explains a query that nothing matches; other errors stay as
// they are.
func NothingThere(ctx context.Context, reader *engine.Reader, q query.Query, things int, err error) error {
	if things > 0 {
		return err
	}
	if explained := ExplainNoMatch(ctx, reader, q.Kind, FiltersOf(q)); explained != nil {
		return explained
	}
	return err
}
