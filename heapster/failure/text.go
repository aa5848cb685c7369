package failure

import (
	"net/url"
	"strings"
	"unicode"
)

// shortURL spells a URL for messages: without credentials, and short, because a URL
// with a hundred pods fills a screen.
func shortURL(u *url.URL) string {
	bare := *u
	bare.User = nil
	return short(bare.String())
}

func short(text string) string {
	const head, tail = 150, 80
	if len(text) > head+tail {
		text = text[:head] + "..." + text[len(text)-tail:]
	}
	return text
}

// oneLine makes several lines one, and cuts it where a terminal or a ledger
// would.
func oneLine(text string) string {
	const longest = 400
	line := []rune(strings.Map(printable, strings.Join(strings.Fields(text), " ")))
	if len(line) > longest {
		return string(line[:longest]) + "..."
	}
	return string(line)
}

// printable keeps a stranger's text from steering a terminal.
func printable(r rune) rune {
	if unicode.IsControl(r) {
		return '?'
	}
	return r
}
