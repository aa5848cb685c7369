package schema

import (
	"path"
	"slices"
	"strings"
)

// MatchesAny reports whether the name matches one of the globs. In a glob, *
// stands for any text, slashes included, ? for one character, [a-c] for one of a,
// b and c, [^a-c] for one other character, and \ takes the next character as it
// is. A text that is not a glob ([IsGlob]) matches nothing.
func MatchesAny(globs []string, name string) bool {
	name = slashless(name)
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(slashless(glob), name)
		return ok && err == nil
	})
}

// slashless replaces /, which [path.Match] treats as a separator.
func slashless(text string) string { return strings.ReplaceAll(text, "/", "\x00") }

// IsGlob reports whether the text is a well-formed glob.
func IsGlob(text string) bool {
	_, err := path.Match(text, "")
	return err == nil && text != ""
}

// Verbatim returns the glob that matches the name only.
func Verbatim(name string) string { return verbatim.Replace(name) }

var verbatim = strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`)
