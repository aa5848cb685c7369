package show

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// UsualWidth is the width in columns where the width is not known.
const UsualWidth = 80

// IsTerminal reports whether a stream is a terminal.
func IsTerminal(stream any) bool {
	f, ok := stream.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width returns the width of a terminal in columns, and 0, for no limit, for any other
// stream. If the terminal does not know its width, it is the environment variable
// COLUMNS, or [UsualWidth].
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
