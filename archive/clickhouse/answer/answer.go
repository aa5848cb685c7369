// Package answer answers questions: it writes a [query.Plan] as ClickHouse's SQL over
// the archive's public views, and runs it.
package answer

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive/clickhouse/rows"
	"heapstash/archive/clickhouse/tables"
	"heapstash/archive/query"
	"heapstash/schema"
)

// Archive is an archive to ask. It implements [query.Archive].
type Archive struct{ server rows.Server }

// New returns the archive that the server has.
func New(server rows.Server) Archive { return Archive{server} }

// Explain returns the statement that answers the plan, for clickhouse-client.
func (Archive) Explain(p query.Plan) string { return plan{Plan: p}.statement() }

// Answer calls visit for each row of the plan's answer. If a metric of integers has
// floats, it runs another statement than Explain returns; Explain's fails then.
func (a Archive) Answer(ctx context.Context, p query.Plan, visit func(query.Row) error) error {
	one := plan{Plan: p}
	empty := true
	err := a.answer(ctx, p, one.statement(), func(row query.Row) error {
		empty = false
		return visit(row)
	})
	// Where no row has an integer, servers need not look for floats.
	if one.isIntegers() && (thrown(err) || err == nil && empty) {
		one.strays = true
		err = a.answer(ctx, p, one.statement(), visit)
	}
	if thrown(err) {
		return errors.New("a sum is beyond 64 bits")
	}
	return err
}

// thrown reports whether the server's function throwIf threw the error.
func thrown(err error) bool {
	e, ok := errors.AsType[*clickhouse.Exception](err)
	return ok && e.Code == 395
}

func (a Archive) answer(ctx context.Context, p query.Plan, statement string, visit func(query.Row) error) error {
	known := make(map[string]string) // the same names come over and over
	names := make([]string, len(p.Groups()))
	values := make([]cell, len(p.Aggs))
	var at int64
	var into []any
	for i := range names {
		into = append(into, &names[i])
	}
	if p.Step > 0 {
		into = append(into, &at)
	}
	for i := range values {
		into = append(into, &values[i])
	}
	return a.server.Each(ctx, statement, func(r driver.Rows) error {
		if err := r.Scan(into...); err != nil {
			return err
		}
		row := query.Row{Names: make([]string, len(names)), At: schema.Instant(at), Values: make([]any, len(values))}
		for i, name := range names {
			if _, ok := known[name]; !ok {
				known[name] = strings.Clone(name)
			}
			row.Names[i] = known[name]
		}
		for i, value := range values {
			row.Values[i] = value.value
		}
		return visit(row)
	})
}

// cell is a value of an answer: nil, int64 or float64.
type cell struct{ value any }

// Scan implements sql.Scanner. A text is a number as [number] spells it.
func (c *cell) Scan(value any) (err error) {
	text, is := value.(string)
	switch {
	case !is:
		c.value = value
	case strings.ContainsAny(text, ".ainf"):
		c.value, err = strconv.ParseFloat(text, 64)
	default:
		c.value, err = strconv.ParseInt(text, 10, 64)
	}
	return err
}

// Carriers returns the kinds that have samples of a metric without a column.
func (a Archive) Carriers(ctx context.Context, m schema.MetricName) (kinds []schema.Kind, err error) {
	names, err := a.server.Texts(ctx, 1, "SELECT DISTINCT kind FROM "+layout.Narrow.Rows()+
		" FINAL WHERE metric = "+tables.Literal(string(m))+" AND (integer IS NOT NULL OR float IS NOT NULL) ORDER BY kind")
	for _, name := range names {
		k, err := schema.ParseKind(name[0])
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, k)
	}
	return kinds, err
}

// MetricNames returns the names of all metrics that the archive knows.
func (a Archive) MetricNames(ctx context.Context) (names []string, err error) {
	all, err := a.server.Texts(ctx, 1, "SELECT name FROM metrics ORDER BY name")
	for _, row := range all {
		names = append(names, row[0])
	}
	return names, err
}
