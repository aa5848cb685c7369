package collect

import (
	"heapstash/archive"
	"heapstash/schema"
)

// hole notes something that is missing. Incomplete ones are logged here, once.
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

// holeOf is a hole that an error made.
func holeOf(of schema.Entity, err error) archive.Hole {
	return archive.Hole{Entity: of, Cause: archive.CauseOf(err), Detail: err.Error(), Hint: schema.HintOf(err)}
}
