package rows

import (
	"regexp"
	"testing"

	"heapstash/schema"
)

// A glob and its translation match the same names.
func TestGlobs(t *testing.T) {
	names := []string{"", "a", "web-0", "web-12", "a/b", "é", "éx", "a_b", "axb", `a\b`, "100%", "]", "-", "a.b", "a\nb", "train[0]", "train0"}
	for _, glob := range []string{"a", "web-*", "web-[0-9]", "web-[^0]*", "?", "*", "a?b", "a_b", `a\\b`, "100%", "a/*", "[é]x", "[a-c]?b", `[\]]`, `train\[0\]`, "train[0]", "[", "a[", `a\`, "[]", "[a-]", "*b", `[\-]`, "a.b", "[c-a]"} {
		text, pattern, plain, simple := translate(glob)
		for _, name := range names {
			got := false
			switch {
			case plain:
				got = text == name
			case simple:
				got = likePattern(pattern).MatchString(name)
			default:
				got = regexp.MustCompile(Expression(glob)).MatchString(name)
			}
			if want := schema.MatchesAny([]string{glob}, name); got != want {
				t.Errorf("%q matches %q: %v, want %v", glob, name, got, want)
			}
		}
	}
}

// likePattern is what LIKE means.
func likePattern(pattern string) *regexp.Regexp {
	text := ""
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '%':
			text += ".*"
		case '_':
			text += "."
		case '\\':
			i++
			text += regexp.QuoteMeta(pattern[i : i+1])
		default:
			text += regexp.QuoteMeta(pattern[i : i+1])
		}
	}
	return regexp.MustCompile("^(?s:" + text + ")$")
}
