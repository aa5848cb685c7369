package timeline

import (
	"fmt"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// Lost returns how much time, and which, Heapster has dropped since a batch that
// was read whole. All batches of the last 15 minutes are known, because two
// metrics show them; before that, one batch is assumed at every step.
func (t *Timeline) Lost(since schema.Instant) (time.Duration, schema.Window) {
	if since == 0 || t.Oldest <= since || t.Horizon <= since {
		return 0, schema.Window{}
	}
	if t.Leapt() && t.IsFuture(t.Oldest) {
		lost := t.lostByLocalClock(since)
		return lost, schema.Window{From: since.Add(t.Step), To: since.Add(t.Step+lost) - 1}
	}
	window := schema.Window{From: since.Add(t.Step), To: t.Oldest - 1}
	if len(t.Batches) == 0 || t.Batches[0] > since {
		return t.Oldest.Sub(since) - t.Step, window
	}
	var lost time.Duration
	for _, at := range t.Batches {
		if at > since && at < t.Oldest {
			lost += t.Step
		}
	}
	return lost, window
}

// Gap returns how much time was lost between the last pass and this one, and the
// hole for it.
func (t *Timeline) Gap() (time.Duration, archive.Hole) {
	lost, window := t.Lost(t.last)
	pause := t.Horizon.Sub(t.last)
	if t.Leapt() {
		pause = t.now().Sub(t.passed).Round(time.Second)
	}
	return lost, t.gapHole(lost, pause, window)
}

// GapOfSetClock is like [Timeline.Gap], for a clock that was set back. A clock
// that is only a little behind may be another replica's: then nothing was lost.
func (t *Timeline) GapOfSetClock() (time.Duration, archive.Hole) {
	lost := t.lostByLocalClock(t.last)
	if t.Oldest == 0 || t.last.Sub(t.Horizon) <= farAhead {
		lost = 0
	}
	return lost, t.gapHole(lost, lost, schema.Window{From: t.Oldest.Add(-lost), To: t.Oldest - 1})
}

func (t *Timeline) gapHole(lost, pause time.Duration, window schema.Window) archive.Hole {
	h := archive.Hole{Cause: archive.CauseLate, Window: window,
		Detail: fmt.Sprintf("%v of samples were evicted before this pass, %v after the last: run it every minute", lost, pause)}
	switch isKnown := len(t.Batches) > 0 && t.Batches[0] <= t.last; {
	case t.failure != "":
		h.Cause = archive.CauseFailed
		h.Detail = fmt.Sprintf("%v of samples were evicted before this pass, %v after the last good one: %s", lost, pause, t.failure)
	case !isKnown && pause < schema.LongRetention-t.Step:
		h.Cause = archive.CauseRestarted
		h.Detail = fmt.Sprintf("Heapster was restarted or stood still, and shows no samples of %v", lost)
	}
	return h
}
