package querytest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/schema"
)

// Judge asks the archive the query, and returns an error that says how the answer
// differs from what follows from the samples. The plan is the one that was answered;
// it is empty where the archive refused the query because it has nothing.
func (w *World) Judge(ctx context.Context, a query.Archive, q query.Query) (query.Plan, error) {
	p, _, err := query.Ask(ctx, a, q)
	if _, refused := errors.AsType[*query.Error](err); refused {
		there := func(r observation) bool {
			_, ok := w.identified(q, r, false)
			return ok && r.At >= q.From && r.At < q.To
		}
		if !slices.ContainsFunc(w.wanted(q), there) {
			return query.Plan{}, nil
		}
	}
	if err != nil {
		return query.Plan{}, fmt.Errorf("%+v: %w", q, err)
	}
	got, err := Answer(ctx, a, p)
	if err != nil {
		return p, err
	}
	addsUp := q.Metric.Name != "uptime" && q.Metric.Unit != schema.Ratio
	series := query.Query{Kind: q.Kind, Metric: q.Metric}.Groups()
	single := !slices.ContainsFunc(series, func(column string) bool { return !slices.Contains(p.Groups(), column) })
	want := w.oracle(p, addsUp && !single, single)
	if p.Level != archive.Raw && single {
		w.ofHours(p, want)
	}
	if len(got) != len(want) {
		return p, fmt.Errorf("%+v: %d rows, want %d\n%s", q, len(got), len(want), a.Explain(p))
	}
	rolled := slices.ContainsFunc(p.Segments, func(s query.Segment) bool { return s.Level != archive.Raw })
	for key, aggs := range got {
		for agg, v := range aggs {
			exact, ok := want[key][agg]
			right := ok && Same(v, exact)
			if rolled && !single {
				switch agg {
				case query.Avg:
					right = right || ok && addsUp && compare(v, exact) <= 0 && want[key][whole] == schema.Int(0)
				case query.Min:
					right = right || ok && addsUp && compare(v, exact) <= 0
				case query.Max:
					right = right || ok && addsUp && compare(v, exact) >= 0
				case query.Last: // of the last hour or day, rather than moment
					right = ok
				}
			}
			if !right {
				return p, fmt.Errorf("%+v:\n%s of %s is %v, want %v (rolled: %v, from %v)\n%s", q, agg, key, v, exact, rolled, p, a.Explain(p))
			}
		}
	}
	return p, nil
}

// Answer returns the archive's answer of the plan. Two rows of one name are an error.
func Answer(ctx context.Context, a query.Archive, p query.Plan) (Table, error) {
	answer := make(Table)
	err := a.Answer(ctx, p, func(row query.Row) error {
		key := strings.Join(row.Names, "|")
		if p.Step > 0 {
			key += fmt.Sprintf("@%d", row.At)
		}
		if answer[key] != nil {
			return fmt.Errorf("two rows of %s\n%s", key, a.Explain(p))
		}
		answer[key] = make(map[query.Agg]schema.Value)
		for i, agg := range p.Aggs {
			switch v := row.Values[i].(type) {
			case nil:
				answer[key][agg] = schema.Real(math.NaN())
			case int64:
				answer[key][agg] = schema.Int(v)
			case float64:
				answer[key][agg] = schema.Real(v)
			default:
				return fmt.Errorf("%s of %s is a %T", agg, key, v)
			}
		}
		return nil
	})
	return answer, err
}
