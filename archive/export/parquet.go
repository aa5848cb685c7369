package export

import (
	"context"
	"math"
	"time"

	"heapstash/archive"
	"heapstash/archive/lake"
	"heapstash/schema"
)

// WriteParquet writes the selected raw samples to the lake, which must be empty. It reads
// a day at a time.
func WriteParquet(ctx context.Context, to *lake.Lake, from archive.Samples, selection archive.Selection, opts Options) (result Result, err error) {
	selection.Shown = true
	w := lake.NewWriter(to)
	next := selection.Window.From
	for {
		day, err := nextDay(ctx, from, selection, next)
		if err != nil || day == 0 {
			return result, err
		}
		end := day.Add(archive.Daily.Length()) - 1
		of := within(selection, max(day, next), end)
		for s, err := range from.Series(ctx, of) {
			if err != nil {
				return result, err
			}
			if opts.Step != nil {
				opts.Step("entities of "+day.Time().Format(time.DateOnly), s.Done, s.Of)
			}
			if err := w.Write(s); err != nil {
				return result, err
			}
		}
		samples, err := w.EndDay(ctx)
		result.Samples += samples
		if err != nil {
			return result, err
		}
		next = end + 1
	}
}

// nextDay returns the begin of the first day from the given time on that has selected
// samples, None if there is none. It does not read the samples.
func nextDay(ctx context.Context, from archive.Samples, selection archive.Selection, next schema.Instant) (schema.Instant, error) {
	const day = schema.Instant(24 * 3600)
	any := func(begin, end schema.Instant) (bool, error) {
		for _, err := range from.Series(ctx, within(selection, begin, end)) {
			return err == nil, err
		}
		return false, nil
	}
	if to := selection.Window.To; to != 0 && to < next {
		return 0, nil
	}
	if found, err := any(next, math.MaxInt64); err != nil || !found {
		return 0, err
	}
	begin, length := archive.Daily.Begin(next), day
	for {
		found, err := any(max(begin, next), begin+length-1)
		if err != nil {
			return 0, err
		}
		if found {
			break
		}
		begin += length
		length *= 2
	}
	for length > day {
		length /= 2
		found, err := any(max(begin, next), begin+length-1)
		if err != nil {
			return 0, err
		}
		if !found {
			begin += length
		}
	}
	return begin, nil
}

// within narrows the selection's window.
func within(s archive.Selection, from, to schema.Instant) archive.Selection {
	s.Window.From = max(s.Window.From, from)
	if s.Window.To == 0 || to < s.Window.To {
		s.Window.To = to
	}
	return s
}
