package rows

import (
	"cmp"
	"strings"

	"heapstash/archive/clickhouse/tables"
)

// Matching returns the condition that a column has a name that matches one of the
// globs ([schema.MatchesAny]).
func Matching(column string, globs []string) string {
	arms := make([]string, len(globs))
	for i, glob := range globs {
		arms[i] = like(column, glob)
	}
	text := strings.Join(arms, " OR ")
	if len(arms) > 1 {
		text = "(" + text + ")"
	}
	return text
}

// like returns the condition that a column matches the glob: = and LIKE use the
// primary key, and sets of characters need a regular expression.
func like(column, glob string) string {
	text, pattern, plain, simple := translate(glob)
	switch {
	case plain:
		return column + " = " + tables.Literal(text)
	case strings.Trim(pattern, "%") == "" && simple:
		return column + " != ''"
	case simple:
		return column + " LIKE " + tables.Literal(pattern)
	default:
		return "match(" + column + ", " + tables.Literal(Expression(glob)) + ")"
	}
}

// translate returns the text that the glob matches if it is plain, and the pattern for
// LIKE if it is simple: without sets of characters.
func translate(glob string) (text, pattern string, plain, simple bool) {
	var verbatim, b strings.Builder
	plain = true
	for i := 0; i < len(glob); i++ {
		c := glob[i]
		switch c {
		case '[':
			return "", "", false, false
		case '*', '?':
			plain = false
			b.WriteByte(map[byte]byte{'*': '%', '?': '_'}[c])
			continue
		case '\\':
			if i++; i == len(glob) {
				return "", "", false, false
			}
			c = glob[i]
		}
		if strings.IndexByte(`%_\`, c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
		verbatim.WriteByte(c)
	}
	return verbatim.String(), b.String(), plain, true
}

// nothing is a regular expression that matches nothing.
const nothing = `[^\x00-\x{10FFFF}]`

// Expression returns the regular expression of a glob, for the function match. A text that is not a glob
// matches nothing.
func Expression(glob string) string {
	var b strings.Builder
	b.WriteString(`^(?s:`)
	for rest := []rune(glob); len(rest) > 0; {
		c := rest[0]
		rest = rest[1:]
		switch c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		case '[':
			set, after, ok := characters(rest)
			if !ok {
				return nothing
			}
			b.WriteString(set)
			rest = after
		case '\\':
			if len(rest) == 0 {
				return nothing
			}
			b.WriteString(literal(rest[0]))
			rest = rest[1:]
		default:
			b.WriteString(literal(c))
		}
	}
	return b.String() + `)$`
}

// characters translates a set of characters, from behind its bracket.
func characters(glob []rune) (set string, rest []rune, ok bool) {
	var b strings.Builder
	b.WriteByte('[')
	if len(glob) > 0 && glob[0] == '^' {
		b.WriteByte('^')
		glob = glob[1:]
	}
	next := func() (r rune, ok bool) {
		if len(glob) > 0 && glob[0] == '\\' {
			glob = glob[1:]
		} else if len(glob) > 0 && glob[0] == '-' {
			return 0, false
		}
		if len(glob) == 0 {
			return 0, false
		}
		r, glob = glob[0], glob[1:]
		return r, true
	}
	for first := true; first || len(glob) > 0 && glob[0] != ']'; first = false {
		if first && len(glob) > 0 && glob[0] == ']' {
			return "", nil, false
		}
		low, ok := next()
		if !ok {
			return "", nil, false
		}
		high := low
		if len(glob) > 0 && glob[0] == '-' {
			glob = glob[1:]
			if high, ok = next(); !ok {
				return "", nil, false
			}
		}
		if cmp.Less(high, low) {
			continue // an empty range
		}
		if b.WriteString(literal(low)); low < high {
			b.WriteString("-" + literal(high))
		}
	}
	if len(glob) == 0 {
		return "", nil, false
	}
	switch set := b.String(); set {
	case "[":
		return nothing, glob[1:], true
	case "[^":
		return ".", glob[1:], true
	default:
		return set + "]", glob[1:], true
	}
}

// literal spells a character in a regular expression.
func literal(c rune) string {
	if strings.ContainsRune(`\.+*?()|[]{}^$-`, c) {
		return `\` + string(c)
	}
	return string(c)
}
