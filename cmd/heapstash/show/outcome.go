package show

import (
	"heapstash/archive"
)

// OutcomeColour returns the colour of an outcome.
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
