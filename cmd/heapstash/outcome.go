package main

import (
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// outcomeColour is how an outcome looks on a terminal.
func outcomeColour(o schema.Outcome) show.Colour {
	switch o {
	case schema.OutcomeComplete:
		return show.Green
	case schema.OutcomePartial:
		return show.Yellow
	case schema.OutcomeFailed:
		return show.Red
	}
	return show.Plain
}
