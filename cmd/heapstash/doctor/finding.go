// Package doctor checks everything between Heapster's samples and the archive: the way to
// Heapster, Heapster's answers, the clocks and the schedule, and the file. It changes
// nothing. The result is a [Report].
package doctor

import (
	"fmt"
	"io"
	"strings"

	"heapstash/cmd/heapstash/show"
)

// Level is how bad a finding is.
type Level string

// The levels.
const (
	OK      Level = "ok"
	Warning Level = "warning" // something is missing, or will be
	Fault   Level = "fault"   // passes fail, or lose samples
)

// Finding is the result of one check.
type Finding struct {
	Name    string `json:"name"` // of the check
	Level   Level  `json:"level"`
	Message string `json:"message"`
	// Fix is what to do, in one line or several. It is empty if nothing is to be done.
	Fix string `json:"mend,omitempty"`
}

// Report is all findings, in the order of the checks.
type Report []Finding

// Count returns how many findings have the level.
func (r Report) Count(level Level) int {
	n := 0
	for _, f := range r {
		if f.Level == level {
			n++
		}
	}
	return n
}

// Print writes the report for people: a line for each finding, below it what to do, and
// the numbers of faults and warnings. On a terminal it is wrapped and has colours.
func (r Report) Print(w io.Writer) error {
	name := 0
	for _, f := range r {
		name = max(name, len(f.Name))
	}
	const level = 9 // the width of the column of levels
	width, paint := show.Width(w), show.NewPainter(w)
	colours := map[Level]show.Colour{OK: show.Green, Warning: show.Yellow, Fault: show.Red}
	var b strings.Builder
	for _, f := range r {
		first := paint.Paint(colours[f.Level], string(f.Level)) + strings.Repeat(" ", level-len(f.Level))
		b.WriteString(show.Wrap(width, first+fmt.Sprintf("%-*s  ", name, f.Name), f.Message))
		if f.Fix != "" {
			b.WriteString(show.Wrap(width, strings.Repeat(" ", level+2), f.Fix))
		}
	}
	fmt.Fprintf(&b, "\n%d checks: %s, %s\n", len(r), plural(r.Count(Fault), "fault"), plural(r.Count(Warning), "warning"))
	_, err := io.WriteString(w, b.String())
	return err
}

func ok(name, message string, args ...any) Finding {
	return Finding{Name: name, Level: OK, Message: fmt.Sprintf(message, args...)}
}

func warning(name, fix, message string, args ...any) Finding {
	return Finding{name, Warning, fmt.Sprintf(message, args...), fix}
}

func fault(name, fix, message string, args ...any) Finding {
	return Finding{name, Fault, fmt.Sprintf(message, args...), fix}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "ch") {
		what += "e"
	}
	return fmt.Sprintf("%d %ss", n, what)
}
