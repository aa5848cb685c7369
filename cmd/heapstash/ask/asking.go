package ask

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/flags"
	"heapstash/cmd/heapstash/guess"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// Run answers the question of each of the metrics.
func (a *Asking) Run(cmd *cobra.Command, path string, q query.Query, metrics []string) error {
	reader, err := engine.Read(cmd.Context(), path)
	if err != nil {
		return err
	}
	defer reader.Close() // read only
	return engine.Within(cmd.Context(), a.Timeout, func(ctx context.Context) error {
		width := terminalWidth(cmd.OutOrStdout())
		if a.Chart && q.Top == 0 {
			q.Top = chartSeries
		}
		plans, err := a.plans(ctx, reader, q, metrics, width)
		if err != nil {
			return err
		}
		if a.Explain {
			return explainPlans(cmd.OutOrStdout(), plans)
		}
		if slices.Contains(q.By, "owner") && !a.Quiet {
			_, owners, err := ReportFacts(ctx, reader)
			if err != nil {
				return err
			}
			if !owners {
				show.Lines(cmd.ErrOrStderr(), "note: ", NoOwners)
			}
		}
		for _, p := range plans {
			if a.Quiet {
				break
			}
			show.Lines(cmd.ErrOrStderr(), "note: ", p.String())
			for _, note := range p.Notes {
				show.Lines(cmd.ErrOrStderr(), "note: ", note)
			}
		}
		return a.respond(ctx, cmd.OutOrStdout(), reader, plans, width)
	})
}

// plans decides how each metric's question is answered. A chart without a step
// gets one that fits the width.
func (a *Asking) plans(ctx context.Context, reader *engine.Reader, q query.Query, names []string, width int) ([]query.Plan, error) {
	var questions []query.Query
	var common []schema.Kind
	for i, name := range names {
		own := q
		carriers, err := resolveMetric(ctx, reader, &own, schema.MetricName(name))
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
		return nil, schema.WithHint(fmt.Errorf("no kind of thing has all of %s", strings.Join(names, ", ")), "ask for them one by one")
	}
	var plans []query.Plan
	for _, own := range questions {
		own.Kind = common[0]
		if len(own.Aggs) == 0 {
			own.Aggs = []query.Agg{query.DefaultAgg(own.Metric)}
		}
		if err := checkUnit(a.Unit, own.Metric, own.Aggs); err != nil {
			return nil, err
		}
		if err := own.Check(); err != nil {
			return nil, err
		}
		coverage, err := reader.Coverage(ctx, own)
		if err != nil {
			return nil, err
		}
		if a.Chart && q.Step == 0 {
			q.Step = fittingStep(max(q.From, coverage.Begin()), min(q.To, coverage.End()), width)
		}
		own.Step = q.Step
		plan, err := own.Plan(coverage)
		if err != nil {
			err = NothingThere(ctx, reader, own, coverage.Things, err)
		}
		if err != nil && schema.HintOf(err) == "" {
			err = holding(ctx, reader, err)
		}
		if err != nil {
			return nil, err
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

// resolveMetric finds what the name means, and, of a metric outside the
// registry, the kinds that the archive has it of.
func resolveMetric(ctx context.Context, reader *engine.Reader, q *query.Query, name schema.MetricName) ([]schema.Kind, error) {
	if m, ok := schema.Lookup(name); ok {
		q.Metric = m
		return nil, nil
	}
	q.Metric = schema.Metric{Name: name}
	carriers, err := reader.Carriers(ctx, name)
	if err != nil || len(carriers) > 0 {
		return carriers, err
	}
	known, err := reader.MetricNames(ctx)
	if err != nil {
		return nil, err
	}
	hint := "`heapstash schema` lists the metrics, and `heapstash sql \"SELECT name FROM metrics\"` all that the archive knows"
	if near := guess.Nearest(string(name), known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return nil, schema.WithHint(fmt.Errorf("unknown metric %q", name), hint)
}

// explainPlans prints what would be run.
func explainPlans(w io.Writer, plans []query.Plan) error {
	for _, p := range plans {
		show.Lines(w, "-- ", p.String())
		for _, note := range p.Notes {
			show.Lines(w, "-- ", note)
		}
		if _, err := fmt.Fprintf(w, "%s;\n", p.Statement().Literal()); err != nil {
			return err
		}
	}
	return nil
}

// Asking is what the flags of query say.
type Asking struct {
	Clusters, Namespaces, ExcludeNamespaces, Pods, Containers, Nodes, Labels []string

	Kind, Level, Unit, Format string
	Aggs, By                  []string
	Times                     flags.Range
	Step                      flags.Length
	Top                       int
	Chart, Explain, Quiet     bool
	Timeout                   time.Duration
}

// Question is what the flags ask of each metric.
func (a *Asking) Question() (query.Query, error) {
	now := time.Now()
	q := query.Query{
		Clusters: a.Clusters, Namespaces: a.Namespaces, ExcludeNamespaces: a.ExcludeNamespaces, Pods: a.Pods, Containers: a.Containers, Nodes: a.Nodes,
		By: a.By, From: a.Times.Since.At(now), To: a.Times.Until.At(now), Step: time.Duration(a.Step), Top: a.Top,
	}
	if q.To == 0 {
		q.To = schema.InstantOf(now) + 1
	}
	if q.From == 0 {
		q.From = q.To.Add(-24 * time.Hour)
	}
	if q.Top < 0 {
		return q, fmt.Errorf("--top %d: there is no such number of groups", q.Top)
	}
	var err error
	if q.Aggs, err = query.ParseAggs(a.Aggs); err != nil {
		return q, err
	}
	if q.Level, err = query.ParseLevel(a.Level); err != nil {
		return q, err
	}
	if a.Kind != "" {
		if q.Kind, err = schema.ParseKind(a.Kind); err != nil {
			return q, err
		}
	}
	for _, label := range a.Labels {
		key, value, ok := strings.Cut(label, ":")
		if !ok {
			return q, schema.WithHint(fmt.Errorf("label %q has no value", label), "write --label KEY:VALUE, as in --label resource_id:/")
		}
		if q.Labels == nil {
			q.Labels = make(map[string]string)
		}
		q.Labels[key] = value
	}
	if _, err := show.NewRowWriter(a.Format, nil); err != nil {
		return q, err
	}
	if a.Unit == "" {
		a.Unit = "auto"
		if a.Format != "table" {
			a.Unit = "raw"
		}
	}
	return q, nil
}
