package query

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// Plan says how an archive answers a query. An engine reads the segments, and
// nothing else of the archive, for the groups, steps and aggregates of the query.
type Plan struct {
	Query
	// Range is the part of the query's range that the archive has. It begins with a
	// step, or with the oldest row.
	Range Span
	// Level is the coarsest level that is read.
	Level archive.Level
	// Segments divide the range, in order.
	Segments []Segment
	// Notes tell people what the answer is made of.
	Notes []string
}

// Plan decides which level answers each part of the range. The error is an [*Error]:
// the archive cannot answer the query.
func (q Query) Plan(c Coverage) (Plan, error) {
	if err := q.Check(); err != nil {
		return Plan{}, err
	}
	p := Plan{Query: q, Range: Span{q.From, min(q.To, c.End())}}
	if q.Step > 0 {
		p.Range.From = StepBegin(q.From, q.Step)
	}
	if c.Entities == 0 || c.Begin() == 0 || p.Range.To <= max(p.Range.From, c.Begin()) {
		return Plan{}, q.nothing(c)
	}
	p.Range.From = max(p.Range.From, c.Begin())
	if err := p.chooseLevel(c); err != nil {
		return Plan{}, err
	}
	inLake := c.lakeNote(p.Range.From, p.Range.To)
	if err := p.avoidPruned(c); err != nil {
		if pruned, ok := errors.AsType[*Error](err); ok && inLake != "" {
			err = &Error{pruned.text, inLake}
		}
		return Plan{}, err
	}
	p.Segments = c.divide(p.Level, p.Range.From, p.Range.To)
	p.note()
	if inLake != "" {
		p.Notes = append(p.Notes, inLake)
	}
	return p, nil
}

// nothing returns the error for a range without samples.
func (q Query) nothing(c Coverage) error {
	text := fmt.Sprintf("there is nothing of %s from %v to %v", q.Metric.Name, q.From, q.To)
	switch {
	case c.Entities == 0:
		return &Error{fmt.Sprintf("there is no %s that matches", inWords(q.Kind)), ""}
	case c.Begin() == 0:
		return &Error{text, ""}
	default:
		return &Error{text, fmt.Sprintf("what matches goes from %v to %v", c.Begin(), c.End())}
	}
}

// chooseLevel sets the coarsest level that the step and the aggregates allow.
func (p *Plan) chooseLevel(c Coverage) error {
	p.Level = archive.Raw
	switch {
	case p.Query.Level != Auto:
		p.Level = p.Query.Level
	case p.Step%archive.Daily.Length() == 0: // also 0, of a whole range
		p.Level = archive.Daily
	case p.Step%archive.Hourly.Length() == 0:
		p.Level = archive.Hourly
	}
	if _, kept := c.Levels[p.Level]; !kept && p.Query.Level == Auto {
		p.Level = archive.Raw
	}
	for _, agg := range p.Aggs {
		most, why := p.most(agg, c)
		if atLeast(most, p.Level) {
			continue
		}
		if p.Query.Level != Auto {
			return &Error{fmt.Sprintf("%s of %s is not in %s rows: %s", agg, p.Metric.Name, p.Level, why), "use --level " + string(most)}
		}
		p.Level = most
		if most == archive.Raw {
			p.Notes = append(p.Notes, fmt.Sprintf("%s is made of raw rows: %s", agg, why))
		}
	}
	return nil
}

// most returns the coarsest level that has an aggregate, and why coarser ones do not.
func (p *Plan) most(agg Agg, c Coverage) (archive.Level, string) {
	switch {
	case agg == Last && p.Metric.Type == schema.Gauge:
		return archive.Raw, "rollups have no last value of gauges"
	case agg.Percent() == 0 && p.NeedsIncarnations():
		if p.brief(c) {
			return archive.Raw, "so each sample counts for the pod that it is of"
		}
		return archive.Hourly, "a day may be of two incarnations of a pod"
	case agg.Percent() == 0:
		return archive.Daily, ""
	case !p.InRegistry() || !archive.HasPercentiles(p.rolledMetric()):
		return archive.Raw, "rollups have no percentiles of it"
	case !p.IsSingle():
		return archive.Raw, "percentiles of several series do not add up"
	case p.Step == 0 && p.brief(c):
		return archive.Raw, "so it is exact"
	default:
		return archive.Hourly, "percentiles are of hours"
	}
}

// brief reports whether raw rows are chosen because the range is short: the query
// does not set the level, and raw rows have the whole range of at most a day.
func (p *Plan) brief(c Coverage) bool {
	return p.Query.Level == Auto && p.Range.To-p.Range.From <= 24*3600 && p.Range.From >= archive.Hourly.Begin(c.Levels[archive.Raw].From)
}

// avoidPruned moves the range's begin to where the levels that are read begin, if
// older rows of them were pruned. A coarser row that begins before them shows that,
// unless it is of the same hour or day: entities are born in the middle of one.
func (p *Plan) avoidPruned(c Coverage) error {
	coarser := func(level archive.Level, at schema.Instant) bool {
		for _, other := range archive.Levels() {
			if from := c.Levels[other].From; other != level && atLeast(other, level) && from != 0 && from < other.Begin(at) {
				return true
			}
		}
		return false
	}
	for _, level := range []archive.Level{archive.Raw, archive.Hourly} {
		kept := c.Levels[level].From
		if kept == 0 {
			kept = c.End()
		}
		kept = archive.Hourly.Begin(kept)
		switch next := archive.Levels()[slices.Index(archive.Levels(), level)+1]; {
		case p.Range.From >= kept || !coarser(level, kept) || level == archive.Hourly && p.Level == archive.Raw:
		case p.Level == level:
			hint := fmt.Sprintf("ask for a step of whole %s, which reach back to %v", map[archive.Level]string{archive.Hourly: "hours", archive.Daily: "days"}[next], c.Begin())
			if p.Range.To <= kept {
				return &Error{fmt.Sprintf("%s rows of that time are not kept any more: they begin at %v", level, kept), p.wayOut(hint)}
			}
			p.Notes = append(p.Notes, fmt.Sprintf("%s rows are kept from %v on only: %s", level, kept, p.wayOut(hint)))
			p.Range.From = kept
		default:
			// A part of an hour, or day, was pruned: take the whole.
			p.Range.From = next.Begin(p.Range.From)
			if p.Range.To < kept {
				p.Range.To = ceil(p.Range.To, next)
			}
		}
	}
	return nil
}

// wayOut returns the hint, or another one if the level is needed by an aggregate or
// a flag, and not by the step.
func (p *Plan) wayOut(hint string) string {
	switch {
	case p.Query.Level != Auto:
		return "leave --level out"
	case p.NeedsIncarnations():
		return "days do not tell a pod's incarnations apart: for the time before, leave out --by node, owner and label, and --node"
	case p.Step%time.Hour == 0:
		return "ask for other aggregates, such as avg and max, which rollups have"
	default:
		return hint
	}
}

// rolledMetric returns the metric whose rollups are read.
func (q Query) rolledMetric() schema.Metric {
	if !q.IsRatio() {
		return q.Metric
	}
	return schema.Metric{Name: q.Metric.Part}
}

// String says in one line what is read.
func (p Plan) String() string {
	var parts []string
	for _, level := range []archive.Level{archive.Daily, archive.Hourly, archive.Raw} {
		var spans []string
		for _, s := range p.Segments {
			if s.Level == level {
				spans = append(spans, fmt.Sprintf("%v to %v", s.From, s.To))
			}
		}
		if len(spans) > 0 {
			parts = append(parts, fmt.Sprintf("%s rows of %s", level, strings.Join(spans, " and ")))
		}
	}
	return fmt.Sprintf("%s, kind %v: %s", p.Metric.Name, p.Kind, strings.Join(parts, ", "))
}

// Levels returns the levels that a row is made of, joined by +. The time is the
// begin of the row's step; it is not read without steps.
func (p Plan) Levels(step schema.Instant) string {
	from, to := p.Range.From, p.Range.To
	if p.Step > 0 {
		from, to = step, step.Add(p.Step)
	}
	var names []string
	for _, s := range p.Segments {
		if name := string(s.Level); s.From < to && from < s.To && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, "+")
}
