package ask

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

// respond runs the plans and prints what they give.
func (a *Asking) respond(ctx context.Context, w io.Writer, reader *engine.Reader, plans []query.Plan, width int) error {
	var answers []Answer
	for _, p := range plans {
		answers = append(answers, Answer{Plan: p, NameColumns: p.Groups()})
	}
	if !a.Chart && a.Format != "table" && a.Unit != "auto" {
		return a.stream(ctx, w, reader, answers)
	}
	if err := gather(ctx, reader, answers); err != nil {
		return err
	}
	if !slices.ContainsFunc(answers, func(a Answer) bool { return len(a.rows) > 0 }) {
		return nothing(ctx, reader, plans)
	}
	switch {
	case a.Chart:
		for i := range answers {
			if err := answers[i].countAll(ctx, reader); err != nil {
				return err
			}
		}
		return drawCharts(w, answers, a.Unit, width, &a.Times.Zone)
	case a.Format == "table":
		a.printTables(w, answers)
		return nil
	}
	out, err := newAnswerWriter(a.Format, a.Unit, w, answers)
	if err != nil {
		return err
	}
	for _, answer := range answers {
		write := out.rows(answer)
		for _, row := range answer.rows {
			if err := write(row); err != nil {
				return err
			}
		}
	}
	return out.out.End()
}

// stream prints rows for machines as they come.
func (a *Asking) stream(ctx context.Context, w io.Writer, reader *engine.Reader, answers []Answer) error {
	out, err := newAnswerWriter(a.Format, a.Unit, w, answers)
	if err != nil {
		return err
	}
	var plans []query.Plan
	for _, answer := range answers {
		plans = append(plans, answer.Plan)
		if err := answer.Ask(ctx, reader, out.rows(answer)); err != nil {
			return err
		}
	}
	if out.count == 0 {
		return nothing(ctx, reader, plans)
	}
	return out.out.End()
}

// nothing is the error for plans without a row.
func nothing(ctx context.Context, reader *engine.Reader, plans []query.Plan) error {
	var names []string
	for _, p := range plans {
		names = append(names, string(p.Metric.Name))
	}
	return holding(ctx, reader, fmt.Errorf("there is nothing of %s from %v to %v", strings.Join(names, ", "), plans[0].From, plans[0].To))
}

// holding adds to an error what the archive has.
func holding(ctx context.Context, reader *engine.Reader, err error) error {
	status, statusErr := reader.Status(ctx)
	if statusErr != nil {
		return statusErr
	}
	var has []string
	for _, k := range status.Kinds {
		if k.Newest != 0 {
			has = append(has, fmt.Sprintf("  %s: %d of the kind %v, from %v to %v", k.Cluster, k.Entities, k.Kind, k.Oldest, k.Newest))
		}
	}
	if len(has) == 0 {
		return schema.WithHint(err, "the archive has no samples yet")
	}
	return schema.WithHint(err, "the archive has\n"+strings.Join(has, "\n"))
}
