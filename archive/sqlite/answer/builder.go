package query

import (
	"fmt"
	"strings"
)

// Statement is a text of SQL with the values of its parameters, each of them a
// question mark: the text has no others.
type Statement struct {
	Text string
	Args []any // int64 or string
}

// Literal is the statement with its values in place, to be copied into any
// SQLite shell.
func (s Statement) Literal() string {
	var b strings.Builder
	rest := s.Text
	for _, arg := range s.Args {
		before, after, _ := strings.Cut(rest, "?")
		b.WriteString(before)
		switch v := arg.(type) {
		case string:
			b.WriteString("'" + strings.ReplaceAll(v, "'", "''") + "'")
		default:
			fmt.Fprint(&b, v)
		}
		rest = after
	}
	return b.String() + rest
}

// builder writes a statement. What it is given as text is this package's own.
type builder struct {
	text strings.Builder
	args []any
}

// add writes a piece, with the values of its parameters.
func (b *builder) add(text string, args ...any) {
	b.text.WriteString(text)
	b.args = append(b.args, args...)
}

func (b *builder) statement() Statement { return Statement{b.text.String(), b.args} }

// condition is a part of a WHERE.
type condition struct {
	text string
	args []any
}

// matching is the condition that a column matches one of the globs. A name
// without any of a glob's signs is compared as it is, which reaches the keys.
func matching(column string, globs []string) condition {
	var c condition
	var arms []string
	for _, glob := range globs {
		operator := " = ?"
		if strings.ContainsAny(glob, "*?[") {
			operator = " GLOB ?"
		}
		arms = append(arms, column+operator)
		c.args = append(c.args, glob)
	}
	c.text = strings.Join(arms, " OR ")
	if len(arms) > 1 {
		c.text = "(" + c.text + ")"
	}
	return c
}

// where writes conditions, all of which hold.
func (b *builder) where(conditions []condition) {
	for i, c := range conditions {
		b.add(map[bool]string{true: " WHERE ", false: " AND "}[i == 0])
		b.add(c.text, c.args...)
	}
}
