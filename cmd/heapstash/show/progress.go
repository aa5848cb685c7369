package show

import (
	"fmt"
	"io"
)

// Steps returns a function that writes each step over the step before, and clears the
// line when all steps are done. It is nil if the stream is not a terminal.
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
