package sqlshell

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/guess"
	"heapstash/schema"
)

// unknownName matches SQLite's message about an unknown name.
var unknownName = regexp.MustCompile(`no such (column|table|function): ("(?:[^"]|"")*"|[^\s]+)( - should this be a string literal)?`)

// wordOf matches a name of a view or a column.
var wordOf = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// explainQuery adds a hint to an error of the statement, unless it has one.
func explainQuery(ctx context.Context, reader engine.File, statement string, err error) error {
	if err = reader.WithRemedy(err); schema.HintOf(err) != "" {
		return err
	}
	if hint := suggest(ctx, reader, statement, err.Error()); hint != "" {
		return schema.WithHint(err, hint)
	}
	return schema.WithHint(err, queryHint)
}

// suggest returns a hint for a message about an unknown name, empty if there is none.
func suggest(ctx context.Context, reader engine.File, statement, message string) string {
	match := unknownName.FindStringSubmatch(message)
	if match == nil {
		return ""
	}
	kind, name, quoted := match[1], strings.Trim(match[2], `"`), match[3] != ""
	if dot := strings.LastIndex(name, "."); dot >= 0 && !quoted {
		name = name[dot+1:]
	}
	views, err := reader.Views(ctx, false)
	if err != nil {
		return ""
	}
	switch kind {
	case "table":
		return guess.DidYouMean(strings.ToLower(name), engine.ViewNames(views), "")
	case "function":
		functions, err := reader.Functions(ctx)
		if err != nil {
			return ""
		}
		return guess.DidYouMean(strings.ToLower(name), functions, "")
	}
	if column := columnOfMetric(statement, name); column != "" {
		return "did you mean the column " + column + "?"
	}
	asked := askedViews(statement, views)
	// Views of hours and days have cpu_usage_rate_avg instead of cpu_usage_rate.
	if of := guess.Prefixed(columnsOfViews(asked), name+"_"); len(of) > 0 {
		return "did you mean one of " + strings.Join(of, ", ") + "?"
	}
	if hint := guess.DidYouMean(strings.ToLower(name), columnsOfViews(asked), ""); hint != "" {
		return hint
	}
	if quoted {
		return "a text is in single quotes: '" + strings.ReplaceAll(name, "'", "''") + "'; double quotes are for names"
	}
	if len(asked) == 1 {
		return "`heapstash sql --schema " + asked[0].Name + "` lists its columns"
	}
	return ""
}

// askedViews returns the views that a statement names, or all if it names none.
func askedViews(statement string, views []engine.View) []engine.View {
	words := wordOf.FindAllString(statement, -1)
	var asked []engine.View
	for _, v := range views {
		if slices.ContainsFunc(words, func(word string) bool { return strings.EqualFold(word, v.Name) }) {
			asked = append(asked, v)
		}
	}
	if len(asked) == 0 {
		return views
	}
	return asked
}

func columnsOfViews(views []engine.View) []string {
	var names []string
	for _, v := range views {
		for _, c := range v.Columns {
			names = append(names, c.Name)
		}
	}
	return names
}

// columnOfMetric returns the column of a metric that the statement calls by Heapster's
// name. SQLite's message has a part of that name, before or after a slash.
func columnOfMetric(statement, part string) string {
	var longest schema.Metric
	for _, m := range schema.Registry() {
		name := string(m.Name)
		called := strings.Contains(name, "/") && slices.Contains(strings.Split(name, "/"), part) && strings.Contains(statement, name)
		if called && len(name) > len(longest.Name) {
			longest = m
		}
	}
	if longest.Name == "" {
		return ""
	}
	return longest.Column()
}
