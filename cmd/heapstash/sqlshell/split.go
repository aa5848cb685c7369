package sqlshell

import (
	"errors"
	"strings"
)

// soleStatement returns the one SQL statement of a text, without the semicolon and the
// white space and comments after it. It refuses a text without a statement, and a text
// with two: SQLite's driver would return the result of the last one only.
func soleStatement(text string) (string, error) {
	statement, rest := cutStatement(text)
	if _, more := cutBlank(statement); more == "" {
		return "", errors.New("there is no statement")
	}
	for rest != "" {
		var next string
		next, rest = cutStatement(rest)
		if _, more := cutBlank(next); more != "" {
			return "", errors.New("there is more than one statement")
		}
	}
	return statement, nil
}

// cutStatement cuts at the first semicolon that is not in quotes or a comment.
func cutStatement(text string) (before, after string) {
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ';':
			return text[:i], text[i+1:]
		case c == '\'', c == '"', c == '`':
			i += 1 + through(text[i+1:], string(c))
		case c == '[':
			i += through(text[i:], "]")
		default:
			if n := commentLength(text[i:]); n > 0 {
				i += n
			} else {
				i++
			}
		}
	}
	return text, ""
}

// cutBlank cuts off white space and comments at the begin of a text.
func cutBlank(text string) (blank, rest string) {
	rest = text
	for {
		trimmed := strings.TrimLeft(rest, " \t\r\n\f")
		n := commentLength(trimmed)
		if n == 0 {
			return text[:len(text)-len(trimmed)], trimmed
		}
		rest = trimmed[n:]
	}
}

// commentLength returns the length of the comment at the begin of a text.
func commentLength(text string) int {
	switch {
	case strings.HasPrefix(text, "--"):
		return through(text, "\n")
	case strings.HasPrefix(text, "/*"):
		return 2 + through(text[2:], "*/")
	default:
		return 0
	}
}

// through returns the length of a text up to and with the mark, or of the whole text.
func through(text, mark string) int {
	if i := strings.Index(text, mark); i >= 0 {
		return i + len(mark)
	}
	return len(text)
}
