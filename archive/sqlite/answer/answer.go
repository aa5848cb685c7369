// Package answer answers questions: it writes a [query.Plan] as SQL over the
// archive's public views, and runs it.
package answer

import (
	"context"
	"database/sql"

	"heapstash/archive/query"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// Archive is an archive to ask. It implements [query.Archive].
type Archive struct{ reader *conn.Reader }

// New returns the archive that the reader reads.
func New(r *conn.Reader) Archive { return Archive{r} }

// Explain returns the statement that answers the plan, for any SQLite shell.
func (Archive) Explain(p query.Plan) string { return plan{p}.statement().literal() }

// Answer calls visit for each row of the plan's answer.
func (a Archive) Answer(ctx context.Context, p query.Plan, visit func(query.Row) error) error {
	s := plan{p}.statement()
	rows, err := a.reader.Query(ctx, s.text, s.args...)
	if err != nil {
		return err
	}
	defer rows.Close() // Err has told of errors
	names := make([]sql.RawBytes, len(p.Groups()))
	known := make(map[string]string) // the same names come over and over
	for rows.Next() {
		row := query.Row{Names: make([]string, len(names)), Values: make([]any, len(p.Aggs))}
		into := make([]any, 0, len(names)+1+len(row.Values))
		for i := range names {
			into = append(into, &names[i])
		}
		if p.Step > 0 {
			into = append(into, &row.At)
		}
		for i := range row.Values {
			into = append(into, &row.Values[i])
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, name := range names {
			if _, ok := known[string(name)]; !ok {
				known[string(name)] = string(name)
			}
			row.Names[i] = known[string(name)]
		}
		if err := visit(row); err != nil {
			return err
		}
	}
	return a.reader.WithRemedy(rows.Err())
}

// Coverage returns what the archive has for the query.
func (a Archive) Coverage(ctx context.Context, q query.Query) (c query.Coverage, err error) {
	return c, a.reader.InTransaction(ctx, func(tx *sql.Tx) error {
		c, err = planOf(q).coverage(ctx, tx)
		return err
	})
}

const (
	selectCarriers = `WITH asked AS (SELECT id FROM metric WHERE name = ?)
		SELECT e.kind FROM carried c JOIN entity e ON e.id = c.entity_id WHERE c.metric_id = (SELECT id FROM asked)
		UNION SELECT e.kind FROM narrow_hot h JOIN entity e ON e.id = h.entity_id WHERE h.metric_id = (SELECT id FROM asked)
		UNION SELECT e.kind FROM entity e WHERE EXISTS (SELECT 1 FROM narrow_cold c WHERE c.entity_id = e.id AND c.metric_id = (SELECT id FROM asked))`
	selectMetricNames = `SELECT name FROM metric ORDER BY name`
)

// Carriers returns the kinds that have samples of a metric without a column.
func (a Archive) Carriers(ctx context.Context, m schema.MetricName) (kinds []schema.Kind, err error) {
	err = conn.Each(ctx, a.reader.DB, func(rows *sql.Rows) error {
		var k schema.Kind
		err := rows.Scan(tables.ScanKind{Kind: &k})
		kinds = append(kinds, k)
		return err
	}, selectCarriers, string(m))
	return kinds, a.reader.WithRemedy(err)
}

// MetricNames returns the names of all metrics that the archive knows.
func (a Archive) MetricNames(ctx context.Context) ([]string, error) {
	names, err := conn.Column[string](ctx, a.reader.DB, selectMetricNames)
	return names, a.reader.WithRemedy(err)
}
