package show

import (
	"heapstash/schema"
)

// OutcomeColour is how an outcome looks on a terminal.
func OutcomeColour(o schema.Outcome) Colour {
	switch o {
	case schema.OutcomeComplete:
		return Green
	case schema.OutcomePartial:
		return Yellow
	case schema.OutcomeFailed:
		return Red
	}
	return Plain
}
