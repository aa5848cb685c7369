package show

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// UsualWidth is the width in columns where none is known.
const UsualWidth = 80

// IsTerminal reports whether a stream is a terminal.
func IsTerminal(stream any) bool {
	f, ok := stream.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width returns the width in columns of a terminal. It is 0, which means
// unlimited, for a stream that is no terminal. A terminal that does not know
// its width has that of the environment variable COLUMNS, or [UsualWidth].
func Width(w io.Writer) int {
	if !IsTerminal(w) {
		return 0
	}
	f := w.(interface{ Fd() uintptr })
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width
	}
	if width, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && width > 0 {
		return width
	}
	return UsualWidth
}
