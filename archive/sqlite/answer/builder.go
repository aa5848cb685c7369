package answer

import (
	"fmt"
	"strings"
)

// statement is SQL with the values of its parameters. Each parameter is a question
// mark, and the text has no other question marks.
type statement struct {
	text string
	args []any // int64 or string
}

// literal returns the statement with its values in place, for any SQLite shell.
func (s statement) literal() string {
	var b strings.Builder
	rest := s.text
	for _, arg := range s.args {
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

// builder writes a statement. Its texts are this package's own.
type builder struct {
	text strings.Builder
	args []any
}

// add adds a text and the values of its parameters.
func (b *builder) add(text string, args ...any) {
	b.text.WriteString(text)
	b.args = append(b.args, args...)
}

func (b *builder) statement() statement { return statement{b.text.String(), b.args} }

// condition is a part of a WHERE.
type condition struct {
	text string
	args []any
}

// matching returns the condition that a column matches one of the globs. A glob
// without a wildcard becomes =, which can use an index.
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

// where adds a WHERE of conditions that all must hold.
func (b *builder) where(conditions []condition) {
	for i, c := range conditions {
		b.add(map[bool]string{true: " WHERE ", false: " AND "}[i == 0])
		b.add(c.text, c.args...)
	}
}
