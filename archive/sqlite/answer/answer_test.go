package answer_test

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/archive/query/querytest"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

// plan makes the query's plan.
func (w *world) plan(t *testing.T, q query.Query) query.Plan {
	t.Helper()
	p, _, err := query.Ask(t.Context(), w.reader, q)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// answer returns the reader's answer.
func (w *world) answer(t *testing.T, p query.Plan) querytest.Table {
	t.Helper()
	answer, err := querytest.Answer(t.Context(), w.reader, p)
	if err != nil {
		t.Fatalf("%v\n%s", err, w.reader.Explain(p))
	}
	return answer
}

// compare compares the reader's answer with what stock sqlite3 makes of the
// statement that Explain returns, row by row.
func (w *world) compare(t *testing.T, p query.Plan) {
	t.Helper()
	records := w.stock(t, w.reader.Explain(p))
	rows := 0
	err := w.reader.Answer(t.Context(), p, func(row query.Row) error {
		if rows++; rows > len(records) {
			return fmt.Errorf("stock sqlite3 has %d rows", len(records))
		}
		record := records[rows-1]
		want := slices.Clone(row.Names)
		if p.Step > 0 {
			want = append(want, fmt.Sprint(int64(row.At)))
		}
		if got := record[:len(want)]; !slices.Equal(got, want) {
			return fmt.Errorf("row %d: stock sqlite3 has %v, the reader %v", rows, got, want)
		}
		for i, v := range row.Values {
			text := record[len(want)+i]
			if _, is := v.(int64); v == nil && text == "" || is && text == fmt.Sprint(v) {
				continue
			}
			got, err := strconv.ParseFloat(text, 64)
			own, parsed := strconv.ParseFloat(fmt.Sprint(v), 64)
			if err != nil || parsed != nil || fmt.Sprintf("%T", v) != "float64" || !querytest.Near(got, own) {
				return fmt.Errorf("row %d, %s: stock sqlite3 has %s, the reader %v", rows, p.Aggs[i], text, v)
			}
		}
		return nil
	})
	if err != nil || rows != len(records) {
		t.Errorf("%v: %d rows, stock sqlite3 has %d\n%s", err, rows, len(records), w.reader.Explain(p))
	}
}

// TestQueriesAreRight holds random questions to the oracle, from raw rows and
// from whatever level is chosen.
func TestQueriesAreRight(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, seed, 3)
			random := rand.New(rand.NewPCG(seed, 2))
			asked := make(map[archive.Level]int)
			questions := 100
			if testing.Short() {
				questions = 50
			}
			for i := range questions {
				q := querytest.RandomQuery(random)
				for _, level := range []archive.Level{archive.Raw, query.Auto} {
					q.Level = level
					p, err := w.Judge(t.Context(), w.reader, q)
					if err != nil {
						t.Errorf("question %d, %v", i, err)
					} else if i%10 == 0 && p.Level != "" {
						w.compare(t, p)
					}
					asked[p.Level]++
				}
			}
			t.Log(asked)
			for _, level := range []archive.Level{archive.Raw, archive.Hourly, archive.Daily} {
				if asked[level] < questions/15 {
					t.Errorf("%d questions were asked of %s rows", asked[level], level)
				}
			}
		})
	}
}

// TestPrunedIsFilledFromRollups: what retention has taken away of the rows is
// still there of the hours, and of the days.
func TestPrunedIsFilledFromRollups(t *testing.T) {
	w := newWorld(t, 5, 6)
	end := int64(w.Samples[len(w.Samples)-1].At)
	keep := archive.Retention{
		archive.Raw:    {schema.Pod: 36 * time.Hour, schema.Node: 36 * time.Hour},
		archive.Hourly: {schema.Pod: 60 * time.Hour},
	}
	pruned, err := upkeep.Prune(t.Context(), w.path, sqlite.Options{Retention: keep}, time.Unix(end, 0))
	if err != nil || pruned.AllRows() == 0 {
		t.Fatalf("%+v, %v", pruned, err)
	}
	lookup := func(name schema.MetricName) schema.Metric {
		m, _ := schema.Lookup(name)
		m.Name = name
		return m
	}
	for _, name := range []schema.MetricName{"memory/working_set", "network/rx", "custom/queue", "cpu/usage_rate"} {
		q := query.Query{Metric: lookup(name), Kind: schema.Pod, From: begin, To: schema.Instant(end)}
		q.Aggs = []query.Agg{query.DefaultAgg(q.Metric)}
		for _, test := range []struct {
			step time.Duration
			from int64 // the oldest that there can be
			note string
		}{
			{24 * time.Hour, int64(begin), ""},
			{0, int64(begin), ""},
			{time.Hour, end - 60*3600, "hourly rows are kept from"},
			{10 * time.Minute, end - 36*3600, "raw rows are kept from"},
		} {
			q.Step = test.step
			if test.note == "raw rows are kept from" && q.Aggs[0] == query.Rate {
				continue // the row before the first one is gone
			}
			p, err := w.Judge(t.Context(), w.reader, q)
			if err != nil || p.Level == "" {
				t.Fatalf("%+v: %v", q, err)
			}
			w.compare(t, p)
			ofRates := func(note string) bool { return strings.HasPrefix(note, "a rate is over the time") }
			if notes := strings.Join(slices.DeleteFunc(p.Notes, ofRates), "\n"); !strings.Contains(notes, test.note) || (notes == "") != (test.note == "") {
				t.Errorf("%s, step %v: notes %q, want %q", name, q.Step, notes, test.note)
			}
			if from := int64(p.Range.From); from > test.from || from < test.from-2*24*3600 {
				t.Errorf("%s, step %v: from %v, want %v", name, q.Step, p.Range.From, schema.Instant(test.from))
			}
		}
	}
}

// TestTopIsOfTheWholeRange: the groups are those with the greatest aggregate of
// the whole range, and their steps those that they have anyway.
func TestTopIsOfTheWholeRange(t *testing.T) {
	w := newWorld(t, 9, 2)
	m, _ := schema.Lookup("cpu/usage_rate")
	for _, aggs := range [][]query.Agg{{query.Max, query.Avg}, {query.P95}, {query.Last, query.Max}, {query.Sum}} {
		for _, by := range [][]string{nil, {"namespace"}} {
			q := query.Query{Metric: m, Kind: schema.Pod, By: by, Aggs: aggs, From: begin, To: begin + 3*24*3600}
			q.Level = archive.Raw
			whole := w.answer(t, w.plan(t, q))
			w.compare(t, w.plan(t, q))
			q.Step = time.Hour
			all := w.answer(t, w.plan(t, q))
			q.Top = 2
			top := w.answer(t, w.plan(t, q))
			w.compare(t, w.plan(t, q))
			groups := slices.SortedFunc(maps.Keys(whole), func(a, b string) int {
				return cmp.Or(cmp.Compare(whole[b][aggs[0]].Float64(), whole[a][aggs[0]].Float64()), cmp.Compare(a, b))
			})
			want := 0
			for key, values := range all {
				name, _, _ := strings.Cut(key, "@")
				if !slices.Contains(groups[:2], name) {
					continue
				}
				want++
				for agg, v := range values {
					if !querytest.Same(top[key][agg], v) {
						t.Errorf("%v by %v: %s of %s is %v, want %v", aggs, by, agg, key, top[key][agg], v)
					}
				}
			}
			if len(top) != want || want == 0 {
				t.Errorf("%v by %v: %d rows, want %d of %v", aggs, by, len(top), want, groups[:2])
			}
		}
	}
}

// TestRatesAreOfTheLifeOfAThing: a pod that lived for some hours of a week has
// nearly the rate that its samples have, whatever level is read, and ranks by it.
func TestRatesAreOfTheLifeOfAThing(t *testing.T) {
	w := newWorld(t, 11, 7)
	m, _ := schema.Lookup("network/rx")
	q := query.Query{Metric: m, Kind: schema.Pod, Aggs: []query.Agg{query.Rate}, From: begin - 30*24*3600, To: begin + 30*24*3600}
	rates := func(level archive.Level, top int) querytest.Table {
		q.Level, q.Top = level, top
		p := w.plan(t, q)
		if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, "a rate is over the time in which there are samples") {
			t.Errorf("notes %q", notes)
		}
		w.compare(t, p)
		return w.answer(t, p)
	}
	lives := make(map[string][2]int64)
	for _, s := range w.Samples {
		if s.Kind != schema.Pod || s.Metric != m.Name {
			continue
		}
		key := strings.Join([]string{s.Cluster, s.Namespace, s.Pod}, "|")
		life, ok := lives[key]
		if !ok {
			life[0] = int64(s.At)
		}
		lives[key] = [2]int64{life[0], int64(s.At)}
	}
	raw, short := rates(archive.Raw, 0), 0
	for key, aggs := range rates(query.Auto, 0) {
		life := lives[key][1] - lives[key][0]
		if life < 3*3600 {
			continue
		}
		if life < 24*3600 {
			short++
		}
		if got, want := aggs[query.Rate].Float64(), raw[key][query.Rate].Float64(); math.Abs(got-want) > 0.15*want {
			t.Errorf("%s, which lived for %d hours, has the rate %v, want about %v", key, life/3600, got, want)
		}
	}
	if short < 3 {
		t.Errorf("only %d pods lived for less than a day", short)
	}
	greatest := slices.MaxFunc(slices.Collect(maps.Keys(raw)), func(a, b string) int { return cmp.Compare(raw[a][query.Rate].Float64(), raw[b][query.Rate].Float64()) })
	if top := rates(archive.Raw, 1); len(top) != 1 || top[greatest] == nil {
		t.Errorf("the top one is %v, want %s", top, greatest)
	}
}
