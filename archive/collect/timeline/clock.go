package collect

import (
	"fmt"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// farAhead is by how much Heapster's clock has to be ahead of the local one,
// and to have moved against it, to be a clock that was set.
const farAhead = 10 * time.Minute

// ahead is by how much Heapster's newest batch lies in the future of the local
// clock; negative for the past.
func (p *pass) ahead() time.Duration { return p.record.Horizon.Time().Sub(p.Now()) }

// leapt reports whether Heapster's clock was set ahead since the last pass, so
// that the time between the two newest batches did not go by.
func (p *pass) leapt() bool {
	if p.memory.Horizon == 0 || p.ahead() <= farAhead {
		return false
	}
	before := p.memory.Horizon.Time().Sub(p.lastPass())
	return p.ahead()-max(before, 0) > farAhead
}

// lastPass is when the last good pass began, by the local clock.
func (p *pass) lastPass() time.Time {
	if p.memory.Passed.IsZero() {
		return p.memory.Horizon.Time()
	}
	return p.memory.Passed
}

// lostByLocalClock tells how much time Heapster dropped since a batch that was
// read whole, where its own clock was set meanwhile. A step is not told from
// the time that a pass takes.
func (p *pass) lostByLocalClock(last schema.Instant) time.Duration {
	pause := p.Now().Sub(p.lastPass()) + p.memory.Horizon.Sub(last)
	visible := p.record.Horizon.Sub(p.oldest) + p.step
	if lost := (pause - visible).Truncate(p.step); lost > p.step {
		return lost
	}
	return 0
}

// checkClock notes a clock of Heapster's that was set back, and forgets what
// was read by the clock before: what comes now is older. It notes one that is
// far ahead, once, and warns each time.
func (p *pass) checkClock() {
	if p.record.Horizon == 0 {
		return
	}
	if p.ahead() > farAhead {
		p.Log.Warn("Heapster's newest batch lies in the future: set its clock, or the local one",
			"newest", p.record.Horizon, "ahead", spell(p.ahead()))
		if p.memory.Horizon == 0 || p.leapt() {
			p.hole(archive.Hole{
				Cause: archive.CauseClock,
				Detail: fmt.Sprintf("Heapster's newest batch is of %v, %s ahead of the local clock: samples have Heapster's time",
					p.record.Horizon, spell(p.ahead())),
				Hint: "let NTP set the clock of Heapster's node, and the local one",
			})
		}
	}
	if p.record.Horizon >= p.memory.Horizon {
		return
	}
	p.hole(archive.Hole{
		Cause: archive.CauseClock,
		Detail: fmt.Sprintf("Heapster's newest batch is of %v, that of the last pass was of %v: everything visible is asked for again",
			p.record.Horizon, p.memory.Horizon),
	})
	p.findGapOfSetClock()
	clear(p.memory.Watermarks)
	for pod, identity := range p.memory.Identities {
		if identity.Since > p.record.Horizon {
			delete(p.memory.Identities, pod) // so that it is told again, as of now
		}
	}
	p.setBack = true
}

// isLeftover notes a batch of metric-export that was made before Heapster's
// clock was set back. Heapster shows the newest one there, and keeps it for as
// long as it lies in the future; series end with its now, and do not show it.
func (p *pass) isLeftover(at schema.Instant) bool {
	if p.record.Horizon == 0 || at.Sub(p.record.Horizon) <= farAhead || at.Time().Sub(p.Now()) <= farAhead {
		return false
	}
	p.hole(archive.Hole{
		Cause: archive.CauseExport, Lasting: p.Containers != ContainersExport,
		Detail: fmt.Sprintf("metric-export shows a batch of %v, from before Heapster's clock was set back: without it, Heapster tells neither new labelled series nor pods' identities", at),
		Hint:   "restart Heapster, which keeps that batch until then",
	})
	return true
}

// findGapOfSetClock notes what was lost while the clock was set back. A clock
// that is only a little behind the last pass may be that of another replica.
func (p *pass) findGapOfSetClock() {
	lost := p.lostByLocalClock(p.memory.Horizon)
	if lost == 0 || p.oldest == 0 || p.memory.Horizon.Sub(p.record.Horizon) <= farAhead {
		return
	}
	p.record.Gap = lost
	p.hole(p.gapHole(lost, lost, schema.Window{From: p.oldest.Add(-lost), To: p.oldest - 1}))
}

// spell writes a long time in days or years.
func spell(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*365*day:
		return fmt.Sprintf("%d years", d/(365*day))
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	default:
		return d.Round(time.Second).String()
	}
}
