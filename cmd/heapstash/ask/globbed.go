package ask

import (
	"path"
	"slices"
	"strings"
)

// Globbed reports whether a name matches one of the globs, in which * stands
// for slashes too.
func Globbed(globs []string, name string) bool {
	plain := strings.NewReplacer("/", "\x00").Replace
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(plain(glob), plain(name))
		return ok && err == nil
	})
}
