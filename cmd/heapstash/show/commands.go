package show

import (
	"strings"
	"unicode/utf8"
)

// Commands breaks examples, a command a line, so that they fit the width; 0 leaves them
// as they are. A long command continues in the next line after a backslash, and its
// comment stands above it, so that it can be copied.
func Commands(width int, examples string) string {
	var out strings.Builder
	for line := range strings.Lines(examples) {
		line = strings.TrimRight(line, " \n")
		if width == 0 || utf8.RuneCountInString(line) <= width {
			out.WriteString(line + "\n")
			continue
		}
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		tokens, comment := shellWords(line)
		if comment != "" {
			out.WriteString(Wrap(width, indent+"# ", comment))
		}
		row := indent
		for i, token := range tokens {
			last := 2 // for the backslash
			if i == len(tokens)-1 {
				last = 0
			}
			switch {
			case strings.TrimSpace(row) == "":
				row += token
			case utf8.RuneCountInString(row)+1+utf8.RuneCountInString(token)+last <= width:
				row += " " + token
			default:
				out.WriteString(row + " \\\n")
				row = indent + "  " + token
			}
		}
		out.WriteString(row + "\n")
	}
	return out.String()
}

// shellWords splits a command at blanks that are not in quotes. It returns the comment
// apart.
func shellWords(line string) (tokens []string, comment string) {
	var quote rune
	token := ""
	for i, r := range line {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case r == '#' && token == "":
			return tokens, strings.TrimSpace(line[i+1:])
		case r == ' ':
			if token != "" {
				tokens = append(tokens, token)
			}
			token = ""
			continue
		}
		token += string(r)
	}
	if token != "" {
		tokens = append(tokens, token)
	}
	return tokens, ""
}
