package sqlshell

import (
	"slices"
	"strings"

	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/guess"
	"heapstash/cmd/heapstash/show"
)

// keywords are the keywords of statements that read.
var keywords = strings.Fields(`ALL AND AS ASC BETWEEN BY CASE CAST CROSS CURRENT DESC DISTINCT ELSE END ESCAPE EXCEPT EXISTS
	EXPLAIN FILTER FIRST FOLLOWING FROM GLOB GROUP HAVING IN INNER INTERSECT IS ISNULL JOIN LAST LEFT LIKE LIMIT NATURAL NOT NOTNULL
	NULL NULLS OFFSET ON OR ORDER OUTER OVER PARTITION PRECEDING RANGE RECURSIVE REGEXP ROWS SELECT THEN UNBOUNDED UNION USING
	VALUES WHEN WHERE WINDOW WITH`)

// complete returns the words that the last word before the cursor may become.
func (p *sqlPrompt) complete(before, after string) (words []string, typed int) {
	_, begin := cutBlank(before)
	for {
		whole, rest := cutStatement(begin)
		if len(whole) == len(begin) {
			break
		}
		_, begin = cutBlank(rest)
	}
	last := strings.LastIndexFunc(begin, func(r rune) bool { return !strings.ContainsRune("_", r) && !isWordRune(r) })
	word := begin[last+1:]
	if strings.HasPrefix(begin, ".") {
		return p.completeDot(begin)
	}
	if strings.Count(begin, "'")%2 == 1 {
		return nil, 0 // in a string
	}
	asked := askedViews(begin+after, p.views)
	earlier := wordOf.FindAllString(strings.ToUpper(begin[:last+1]), -1)
	var all []string
	switch {
	case last >= 0 && begin[last] == '.':
		all = columnsOfViews(asked)
	case len(earlier) > 0 && slices.Contains([]string{"FROM", "JOIN"}, earlier[len(earlier)-1]):
		all = engine.ViewNames(p.views)
	case word == "" && len(asked) == len(p.views):
		return nil, 0 // any word may follow
	default:
		all = append(engine.ViewNames(p.views), columnsOfViews(asked)...)
		all = append(all, p.names...)
		for _, keyword := range keywords {
			if word != "" && word == strings.ToLower(word) {
				keyword = strings.ToLower(keyword)
			}
			all = append(all, keyword)
		}
	}
	return guess.Prefixed(all, word), len(word)
}

// completeDot completes a dot command or its argument.
func (p *sqlPrompt) completeDot(line string) (words []string, typed int) {
	name, _, argument := strings.Cut(line, " ")
	word := line[strings.LastIndex(line, " ")+1:]
	switch {
	case !argument:
		return guess.Prefixed(dotNames(), word), len(word)
	case name == ".mode":
		return guess.Prefixed(show.RowFormats, word), len(word)
	case name == ".schema":
		return guess.Prefixed(engine.ViewNames(p.views), word), len(word)
	}
	return nil, 0
}

func isWordRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
