// Package ask answers questions about metrics: it makes a plan for each metric,
// runs the plans on an archive, and prints the answers as tables, rows or charts.
package ask

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/cmd/heapstash/guess"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// Archive is what is asked.
type Archive interface {
	query.Archive
	// Status tells what the archive has, for hints.
	Status(context.Context) (archive.Status, error)
}

// Question asks for one or more metrics, and says how the answer is printed.
type Question struct {
	query.Query // of each metric; its Metric is not read

	Metrics []string
	Format  string // one of [show.RowFormats]
	Unit    string // raw, auto, or a unit such as Mi
	Chart   bool   // draw a chart instead
	Explain bool   // print the SQL instead
	Quiet   bool   // no notes
	Zone    *time.Location
}

// Answer prints the answer to out, and notes about it to notes.
func (q Question) Answer(ctx context.Context, from Archive, out, notes io.Writer) error {
	q.Zone = cmp.Or(q.Zone, time.UTC)
	width := cmp.Or(show.Width(out), show.UsualWidth)
	if q.Chart && q.Top == 0 {
		q.Top = chartSeries
	}
	plans, err := q.plans(ctx, from, width)
	if err != nil {
		return err
	}
	if q.Explain {
		return explainPlans(from, out, plans)
	}
	if !q.Quiet {
		if err := q.note(ctx, from, notes, plans); err != nil {
			return err
		}
	}
	var answers []answer
	for _, p := range plans {
		answers = append(answers, answer{Plan: p, columns: p.Groups()})
	}
	return q.print(ctx, from, out, answers, width)
}

// note says what the plans read, and what the reader of the answer has to know.
func (q Question) note(ctx context.Context, from Archive, w io.Writer, plans []query.Plan) error {
	if slices.Contains(q.By, "owner") {
		known, err := OwnersKnown(ctx, from)
		if err != nil {
			return err
		}
		if !known {
			show.Lines(w, "note: ", NoOwners)
		}
	}
	for _, p := range plans {
		for _, note := range append([]string{p.String()}, p.Notes...) {
			show.Lines(w, "note: ", note)
		}
	}
	return nil
}

// plans makes a plan for each metric. All are of one kind. A chart without a step
// gets the step that fits the width.
func (q Question) plans(ctx context.Context, from Archive, width int) ([]query.Plan, error) {
	var questions []query.Query
	var common []schema.Kind
	for i, name := range q.Metrics {
		own := q.Query
		carriers, err := resolveMetric(ctx, from, &own, schema.MetricName(name))
		if err != nil {
			return nil, err
		}
		kinds := []schema.Kind{q.Kind}
		if q.Kind == 0 {
			if kinds, err = own.Kinds(carriers); err != nil {
				return nil, explainLabels(own, err)
			}
		}
		if i == 0 {
			common = kinds
		}
		common = slices.DeleteFunc(slices.Clone(common), func(k schema.Kind) bool { return !slices.Contains(kinds, k) })
		questions = append(questions, own)
	}
	if len(common) == 0 {
		return nil, schema.WithHint(fmt.Errorf("no kind of entity has all of %s", strings.Join(q.Metrics, ", ")), "ask for them one by one")
	}
	var plans []query.Plan
	for _, own := range questions {
		own.Kind = common[0]
		if len(own.Aggs) == 0 {
			own.Aggs = []query.Agg{query.DefaultAgg(own.Metric)}
		}
		if err := checkUnit(q.Unit, own.Metric, own.Aggs); err != nil {
			return nil, err
		}
		if err := own.Check(); err != nil {
			return nil, err
		}
		coverage, err := from.Coverage(ctx, own)
		if err != nil {
			return nil, err
		}
		if q.Chart && q.Step == 0 {
			q.Step = fittingStep(max(q.From, coverage.Begin()), min(q.To, coverage.End()), width)
		}
		own.Step = q.Step
		plan, err := own.Plan(coverage)
		if err != nil {
			if coverage.Entities == 0 {
				err = ExplainNoMatch(ctx, from, own, err)
			}
			if schema.HintOf(err) == "" {
				err = withContents(ctx, from, err)
			}
			return nil, err
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

// resolveMetric sets the query's metric by its name. For a metric outside the
// registry it returns the kinds that have it in the archive.
func resolveMetric(ctx context.Context, from Archive, q *query.Query, name schema.MetricName) ([]schema.Kind, error) {
	if m, ok := schema.Lookup(name); ok {
		q.Metric = m
		return nil, nil
	}
	q.Metric = schema.Metric{Name: name}
	carriers, err := from.Carriers(ctx, name)
	if err != nil || len(carriers) > 0 {
		return carriers, err
	}
	known, err := from.MetricNames(ctx)
	if err != nil {
		return nil, err
	}
	return nil, schema.WithHint(fmt.Errorf("unknown metric %q", name), guess.DidYouMean(string(name), known,
		"`heapstash schema` lists the metrics, and `heapstash sql \"SELECT name FROM metrics\"` all that the archive knows"))
}

// explainPlans prints the plans' SQL.
func explainPlans(from Archive, w io.Writer, plans []query.Plan) error {
	for _, p := range plans {
		for _, note := range append([]string{p.String()}, p.Notes...) {
			show.Lines(w, "-- ", note)
		}
		if _, err := fmt.Fprintf(w, "%s;\n", from.Explain(p)); err != nil {
			return err
		}
	}
	return nil
}

// print runs the answers' plans and prints what they give.
func (q Question) print(ctx context.Context, from Archive, w io.Writer, answers []answer, width int) error {
	table := q.Chart || q.Format == "table"
	if table || q.Unit == "auto" {
		if err := gather(ctx, from, answers); err != nil {
			return err
		}
		if !slices.ContainsFunc(answers, func(a answer) bool { return len(a.rows) > 0 }) {
			return noRows(ctx, from, answers)
		}
	}
	if q.Chart {
		for i := range answers {
			if err := answers[i].countAll(ctx, from); err != nil {
				return err
			}
		}
		return drawCharts(w, answers, q.Unit, width, q.Zone)
	}
	if table {
		q.printTables(w, answers)
		return nil
	}
	out, err := newRowWriter(q.Format, q.Unit, w, answers)
	if err != nil {
		return err
	}
	for _, a := range answers {
		if err := a.each(ctx, from, out.visit(a)); err != nil {
			return err
		}
	}
	if out.count == 0 {
		return noRows(ctx, from, answers)
	}
	return out.End()
}

// noRows is the error for answers without a row.
func noRows(ctx context.Context, from Archive, answers []answer) error {
	var names []string
	for _, a := range answers {
		names = append(names, string(a.Metric.Name))
	}
	return withContents(ctx, from, fmt.Errorf("there is nothing of %s from %v to %v", strings.Join(names, ", "), answers[0].Plan.From, answers[0].Plan.To))
}

// withContents adds to an error a hint that says what the archive has.
func withContents(ctx context.Context, from Archive, err error) error {
	status, statusErr := from.Status(ctx)
	if statusErr != nil {
		return statusErr
	}
	var has []string
	for _, k := range status.Kinds {
		if k.Newest != 0 {
			has = append(has, fmt.Sprintf("  %s: %d of the kind %v, from %v to %v", k.Cluster, k.Entities, k.Kind, k.Oldest, k.Newest))
		}
	}
	switch {
	case len(has) == 0 && len(status.InLake) > 0:
		return schema.WithHint(err, "the archive has no raw samples, and `heapstash status` says which are in the lake")
	case len(has) == 0:
		return schema.WithHint(err, "the archive has no samples yet")
	}
	return schema.WithHint(err, "the archive has\n"+strings.Join(has, "\n"))
}
