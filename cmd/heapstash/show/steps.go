package show

import (
	"fmt"
	"io"
)

// Steps writes steps over one another on a terminal, and nothing
// elsewhere.
func Steps(w io.Writer) func(step string, done, all int) {
	if !IsTerminal(w) {
		return nil
	}
	return func(step string, done, all int) {
		const clear = "\r\x1b[K"
		if done == all {
			fmt.Fprint(w, clear)
			return
		}
		fmt.Fprintf(w, "%s%d of %d: %s", clear, done+1, all, step)
	}
}
