package archive

import (
	"path"
	"slices"
	"strings"
)

// MatchesAny reports whether the name matches one of the globs. A glob is as in
// [path.Match], but * and ? stand for slashes, too. A malformed glob matches nothing.
func MatchesAny(globs []string, name string) bool {
	plain := strings.NewReplacer("/", "\x00").Replace
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(plain(glob), plain(name))
		return ok && err == nil
	})
}
