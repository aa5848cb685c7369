package show

import (
	"heapstash/archive"
)

// OutcomeColour is how an outcome looks on a terminal.
func OutcomeColour(o archive.Outcome) Colour {
	switch o {
	case archive.OutcomeComplete:
		return Green
	case archive.OutcomePartial:
		return Yellow
	case archive.OutcomeFailed:
		return Red
	}
	return Plain
}
