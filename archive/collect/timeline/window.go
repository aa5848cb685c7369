package timeline

import (
	"slices"

	"heapstash/schema"
)

// Window is the time from one batch to another, both included.
func (t *Timeline) Window(from, to schema.Instant) schema.Window {
	return schema.Window{From: from, To: to.Add(t.Step) - 1}
}

// IsNext reports whether a batch is the only one since the watermark.
func (t *Timeline) IsNext(batch, watermark schema.Instant) bool {
	return batch > 0 && watermark > 0 && batch >= t.Horizon &&
		!slices.ContainsFunc(t.Batches, func(at schema.Instant) bool { return at > watermark && at != batch })
}

// Between is the time of the batches after the watermark and before the batch;
// the zero window if there are none.
func (t *Timeline) Between(watermark, batch schema.Instant) schema.Window {
	var w schema.Window
	for _, at := range t.Batches {
		if at > watermark && at < batch {
			if w.From == 0 {
				w.From = at
			}
			w.To = at.Add(t.Step) - 1
		}
	}
	return w
}

// Since is the time of all batches after the watermark, up to the horizon; the
// zero window if there are none.
func (t *Timeline) Since(watermark schema.Instant) schema.Window {
	if watermark >= t.Horizon {
		return schema.Window{}
	}
	w := t.Window(t.Horizon, t.Horizon)
	if before := t.Between(watermark, t.Horizon); watermark > 0 && before.From > 0 {
		w.From = before.From
	}
	return w
}

// BeforeFirst is, at an archive's first pass, the time of the batches that
// Heapster shows and that came before the given one; otherwise the zero window.
func (t *Timeline) BeforeFirst(batch schema.Instant) schema.Window {
	if t.last > 0 || len(t.Batches) == 0 || t.Batches[0] >= batch {
		return schema.Window{}
	}
	return schema.Window{From: t.Batches[0], To: batch - 1}
}
