package collect

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// hole notes a hole, and logs it.
func (p *pass) hole(h archive.Hole) {
	p.holes = append(p.holes, h)
	attributes := []any{"scope", h.Scope(), "cause", h.Cause, "detail", h.Detail}
	if h.Hint != "" && h.Hint != p.hint {
		p.hint = h.Hint
		attributes = append(attributes, "hint", h.Hint)
	}
	if h.Incomplete() {
		p.Log.Warn("hole", attributes...)
		return
	}
	p.Log.Info("limitation", attributes...)
}

// holeOf returns the hole that an error makes.
func (p *pass) holeOf(e schema.Entity, err error) archive.Hole {
	err = p.overdue(err)
	return archive.Hole{Entity: e, Cause: causeOf(err), Detail: err.Error(), Hint: schema.HintOf(err)}
}

// noteFirst notes a hole for each kind. The format of its detail takes the number
// of the entities and the first of them.
func (p *pass) noteFirst(entities map[schema.Kind][]schema.Entity, h archive.Hole, format string) {
	for _, kind := range slices.Sorted(maps.Keys(entities)) {
		h.Entity = schema.Entity{Kind: kind}
		h.Detail = fmt.Sprintf(format, len(entities[kind]), entities[kind][0])
		p.hole(h)
	}
}

// sorted returns the keys in order.
func sorted[T any](entities map[schema.Entity]T) []schema.Entity {
	return slices.SortedFunc(maps.Keys(entities), schema.Entity.Compare)
}

// causeOf returns the cause of a hole for an error of Heapster's client.
func causeOf(err error) archive.Cause {
	switch {
	case errors.Is(err, schema.ErrRefused):
		return archive.CauseRefused
	case errors.Is(err, schema.ErrNotFound):
		return archive.CauseNotFound
	case errors.Is(err, schema.ErrUnaddressable):
		return archive.CauseUnaddressable
	case errors.Is(err, schema.ErrBudget):
		return archive.CauseBudget
	case errors.Is(err, schema.ErrExportDisabled):
		return archive.CauseExport
	case errors.Is(err, schema.ErrUnreachable):
		return archive.CauseUnreachable
	default:
		return archive.CauseProtocol
	}
}
