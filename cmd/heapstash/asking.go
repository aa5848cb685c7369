package main

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
	"heapstash/schema"
)

// run answers the question of each of the metrics.
func (a *asking) run(cmd *cobra.Command, path string, q query.Query, metrics []string) error {
	reader, err := engine.Read(cmd.Context(), path)
	if err != nil {
		return err
	}
	defer reader.Close() // read only
	return within(cmd.Context(), a.timeout, func(ctx context.Context) error {
		width := terminalWidth(cmd.OutOrStdout())
		if a.chart && q.Top == 0 {
			q.Top = chartSeries
		}
		plans, err := a.plans(ctx, reader, q, metrics, width)
		if err != nil {
			return err
		}
		if a.explain {
			return explainPlans(cmd.OutOrStdout(), plans)
		}
		if slices.Contains(q.By, "owner") && !a.quiet {
			_, owners, err := reportFacts(ctx, reader)
			if err != nil {
				return err
			}
			if !owners {
				lines(cmd.ErrOrStderr(), "note: ", noOwners)
			}
		}
		for _, p := range plans {
			if a.quiet {
				break
			}
			lines(cmd.ErrOrStderr(), "note: ", p.String())
			for _, note := range p.Notes {
				lines(cmd.ErrOrStderr(), "note: ", note)
			}
		}
		return a.respond(ctx, cmd.OutOrStdout(), reader, plans, width)
	})
}

// plans decides how each metric's question is answered. A chart without a step
// gets one that fits the width.
func (a *asking) plans(ctx context.Context, reader *engine.Reader, q query.Query, names []string, width int) ([]query.Plan, error) {
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
		if err := checkUnit(a.unit, own.Metric, own.Aggs); err != nil {
			return nil, err
		}
		if err := own.Check(); err != nil {
			return nil, err
		}
		coverage, err := reader.Coverage(ctx, own)
		if err != nil {
			return nil, err
		}
		if a.chart && q.Step == 0 {
			q.Step = fittingStep(max(q.From, coverage.Begin()), min(q.To, coverage.End()), width)
		}
		own.Step = q.Step
		plan, err := own.Plan(coverage)
		if err != nil {
			err = nothingThere(ctx, reader, own, coverage.Things, err)
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
	if near := nearest(string(name), known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return nil, schema.WithHint(fmt.Errorf("unknown metric %q", name), hint)
}

// explainPlans prints what would be run.
func explainPlans(w io.Writer, plans []query.Plan) error {
	for _, p := range plans {
		lines(w, "-- ", p.String())
		for _, note := range p.Notes {
			lines(w, "-- ", note)
		}
		if _, err := fmt.Fprintf(w, "%s;\n", p.Statement().Literal()); err != nil {
			return err
		}
	}
	return nil
}

// asking is what the flags of query say.
type asking struct {
	clusters, namespaces, excludeNamespaces, pods, containers, nodes, labels []string

	kind, level, unit, format string
	aggs, by                  []string
	times                     rangeFlags
	step                      lengthFlag
	top                       int
	chart, explain, quiet     bool
	timeout                   time.Duration
}

// question is what the flags ask of each metric.
func (a *asking) question() (query.Query, error) {
	now := time.Now()
	q := query.Query{
		Clusters: a.clusters, Namespaces: a.namespaces, ExcludeNamespaces: a.excludeNamespaces, Pods: a.pods, Containers: a.containers, Nodes: a.nodes,
		By: a.by, From: a.times.since.at(now), To: a.times.until.at(now), Step: time.Duration(a.step), Top: a.top,
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
	if q.Aggs, err = query.ParseAggs(a.aggs); err != nil {
		return q, err
	}
	if q.Level, err = query.ParseLevel(a.level); err != nil {
		return q, err
	}
	if a.kind != "" {
		if q.Kind, err = schema.ParseKind(a.kind); err != nil {
			return q, err
		}
	}
	for _, label := range a.labels {
		key, value, ok := strings.Cut(label, ":")
		if !ok {
			return q, schema.WithHint(fmt.Errorf("label %q has no value", label), "write --label KEY:VALUE, as in --label resource_id:/")
		}
		if q.Labels == nil {
			q.Labels = make(map[string]string)
		}
		q.Labels[key] = value
	}
	if _, err := newRowWriter(a.format, nil); err != nil {
		return q, err
	}
	if a.unit == "" {
		a.unit = "auto"
		if a.format != "table" {
			a.unit = "raw"
		}
	}
	return q, nil
}
