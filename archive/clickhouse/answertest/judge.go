package answertest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	driver "github.com/ClickHouse/clickhouse-go/v2"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/query"
	"heapstash/archive/query/querytest"
)

// Judge makes an archive at the address, fills it with what the seed makes up, and asks
// random questions. Each answer must be the oracle's, and the reader's statement must
// give the same rows by [clickhouse.Reader.Select].
func Judge(t *testing.T, address string, seed uint64, questions int) {
	c, _, err := conn.OpenOrMake(t.Context(), address, conn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w := querytest.WorldOf(querytest.Generate(seed, 3))
	if err := Fill(t.Context(), c, w); err != nil {
		t.Fatal(err)
	}
	r, err := clickhouse.OpenReader(t.Context(), address, conn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	random := rand.New(rand.NewPCG(seed, 2))
	for i := range questions {
		q := querytest.RandomQuery(random)
		p, err := w.Judge(t.Context(), r, q)
		if err != nil {
			t.Errorf("question %d, %v", i, err)
			continue
		}
		if p.Level == "" {
			continue // there is nothing to answer
		}
		if i%5 == 0 {
			explained(t, r, p)
		}
		if q.Top = 1 + random.IntN(3); q.Step > 0 {
			top(t, r, q)
		}
	}
}

// explained compares the answer with the rows of the statement.
func explained(t *testing.T, r *clickhouse.Reader, p query.Plan) {
	var want, got []string
	err := r.Answer(t.Context(), p, func(row query.Row) error {
		line := fmt.Sprintf("%q", row.Names)
		if p.Step > 0 {
			line += fmt.Sprint(" ", int64(row.At))
		}
		for _, v := range row.Values {
			line += " " + spell(v)
		}
		want = append(want, line)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	err = r.Select(t.Context(), r.Explain(p), func([]string) error { return nil }, func(values []any) error {
		var names []string
		for range p.Groups() {
			names = append(names, values[0].(string))
			values = values[1:]
		}
		line := fmt.Sprintf("%q", names)
		for _, v := range values {
			line += " " + spell(v)
		}
		got = append(got, line)
		return nil
	})
	if e, is := errors.AsType[*driver.Exception](err); is && e.Code == 395 {
		return // there are floats of a metric of integers, which the statement says
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%s: %d rows, %v, want %d:\n%.1000q\n%.1000q", r.Explain(p), len(got), err, len(want), got, want)
	}
}

// spell spells a number. An aggregate of integers and floats is a text.
func spell(v any) string {
	if v == nil {
		return "NULL"
	}
	text := fmt.Sprint(v)
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return text
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%.12g", n)
}

// top compares the groups of the greatest rank, and their steps, with the ranks of all.
func top(t *testing.T, r *clickhouse.Reader, q query.Query) {
	ask := func(q query.Query) (rows []query.Row) {
		p, _, err := query.Ask(t.Context(), r, q)
		if err == nil {
			err = r.Answer(t.Context(), p, func(row query.Row) error {
				rows = append(rows, row)
				return nil
			})
		}
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		return rows
	}
	got := ask(q)
	steps := q
	steps.Top = 0
	all := ask(steps)
	// The range of a question with steps begins with a step.
	p, _, err := query.Ask(t.Context(), r, q)
	if err != nil {
		t.Fatal(err)
	}
	ranked := q
	ranked.Step, ranked.From, ranked.To, ranked.Level = 0, p.Range.From, p.Range.To, archive.Raw
	var want []query.Row
	for _, group := range ask(ranked) {
		for _, row := range all {
			if slices.Equal(row.Names, group.Names) {
				want = append(want, row)
			}
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v:\n%v\nwant\n%v", q, got, want)
	}
}
