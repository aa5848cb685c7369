package query_test

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	gotime "time"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

func time(at int64) string { return strconv.FormatInt(at, 10) }

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// answer runs the plan's statement, and compares that with what stock sqlite3
// makes of its literal form.
func (w *world) answer(t *testing.T, p query.Plan, compare bool) expected {
	t.Helper()
	s := p.Statement()
	var records [][]string
	var err error
	if compare {
		if records, err = csv.NewReader(strings.NewReader(stock(t, w.path, s.Literal()))).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := w.reader.Query(t.Context(), s.Text, s.Args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.Literal())
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	answer := make(expected)
	for i := 0; rows.Next(); i++ {
		values, dest := make([]any, len(columns)), make([]any, len(columns))
		for j := range values {
			dest[j] = &values[j]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		var names []string
		key, aggs := "", make(map[query.Agg]float64)
		for j, column := range columns {
			text := fmt.Sprint(values[j])
			if values[j] == nil {
				text = ""
			}
			switch {
			case column == "ts":
				key = "@" + text
			case slices.Contains(p.Aggs, query.Agg(column)):
				if values[j] == nil { // a rate of no time
					aggs[query.Agg(column)] = math.NaN()
					break
				}
				if aggs[query.Agg(column)], err = strconv.ParseFloat(text, 64); err != nil {
					t.Fatalf("%s: %v\n%s", column, err, s.Literal())
				}
				if !compare {
					break
				}
				if got, err := strconv.ParseFloat(records[i][j], 64); err != nil || !near(got, aggs[query.Agg(column)]) {
					t.Fatalf("row %d, %s: stock sqlite3 has %s, the reader %s", i, column, records[i][j], text)
				}
			default:
				names = append(names, text)
			}
		}
		key = strings.Join(names, "|") + key
		if answer[key] != nil {
			t.Fatalf("two rows of %s\n%s", key, s.Literal())
		}
		answer[key] = aggs
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if compare && len(records) != len(answer) {
		t.Fatalf("stock sqlite3 has %d rows, the reader %d", len(records), len(answer))
	}
	return answer
}

func near(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b), 1)
}

// randomQuery asks something that can be asked.
func randomQuery(random *rand.Rand) query.Query {
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	var q query.Query
	metric := pick("cpu/usage_rate", "memory/working_set", "memory/rss", "network/rx", "cpu/usage", "cpu/node_utilization", "cpu/node_utilization",
		"filesystem/usage", "disk/io_read_bytes", "custom/queue", "uptime")
	var ok bool
	if q.Metric, ok = schema.Lookup(schema.MetricName(metric)); !ok {
		q.Metric.Name = schema.MetricName(metric)
	}
	kinds := map[string][]schema.Kind{
		"cpu/usage_rate":     {schema.Cluster, schema.Node, schema.Namespace, schema.Pod, schema.Container},
		"memory/working_set": {schema.Node, schema.Pod}, "memory/rss": {schema.Pod}, "network/rx": {schema.Pod},
		"cpu/usage": {schema.Node, schema.Container}, "cpu/node_utilization": {schema.Node}, "filesystem/usage": {schema.Node},
		"disk/io_read_bytes": {schema.Node}, "custom/queue": {schema.Pod}, "uptime": {schema.Node, schema.Pod},
	}[metric]
	q.Kind = kinds[random.IntN(len(kinds))]
	columns := query.KindColumns(q.Kind)
	if slices.Contains(columns, "namespace") && random.IntN(2) == 0 {
		q.Namespaces = [][]string{{"shop"}, {"s*"}, {"shop", "jobs"}, {"ml", "j*"}}[random.IntN(4)]
	}
	if slices.Contains(columns, "pod") && random.IntN(2) == 0 {
		q.Pods = [][]string{{"web-0"}, {"web-[12]"}, {"w?b-*"}}[random.IntN(3)]
	}
	if q.Metric.Family != schema.Unlabelled && random.IntN(2) == 0 {
		q.Labels = map[string]string{"resource_id": pick("/dev/sda", "/dev/sd*")}
	}
	switch random.IntN(3) {
	case 0:
		q.By = []string{"cluster"}
	case 1:
		if len(columns) > 0 {
			q.By = []string{columns[random.IntN(len(columns))]}
		}
	}
	if slices.Contains(columns, "namespace") && random.IntN(4) == 0 {
		q.ExcludeNamespaces = [][]string{{"ml"}, {"j*", "nosuch"}}[random.IntN(2)]
	}
	if slices.Contains(columns, "pod") {
		if random.IntN(2) == 0 {
			q.By = [][]string{{"owner"}, {"node"}, {"label:app"}, {"label:version", "node"}, {"namespace", "label:app.kubernetes.io/name"},
				{"pod", "node"}, append([]string{"owner"}, columns...)}[random.IntN(7)]
		}
		if random.IntN(4) == 0 {
			q.Nodes = [][]string{{"node-0"}, {"node-[01]"}}[random.IntN(2)]
		}
	}
	q.Aggs = []query.Agg{query.Avg, query.Min, query.Max, query.Sum, query.Count, query.Last, query.P50, query.P95}
	switch q.Metric.Type {
	case schema.Cumulative:
		q.Aggs = []query.Agg{query.Rate, query.Increase, query.Last}
	case "":
		q.Aggs = append(q.Aggs, query.Rate, query.Increase)
	}
	random.Shuffle(len(q.Aggs), func(i, j int) { q.Aggs[i], q.Aggs[j] = q.Aggs[j], q.Aggs[i] })
	q.Aggs = q.Aggs[:1+random.IntN(len(q.Aggs))]
	q.Step = []gotime.Duration{0, 0, 10 * gotime.Minute, gotime.Hour, 6 * gotime.Hour, 24 * gotime.Hour, 48 * gotime.Hour, 7 * 24 * gotime.Hour}[random.IntN(8)]
	q.From = begin - 7200 + schema.Instant(random.IntN(3*24*3600))
	q.To = q.From + schema.Instant(3600+random.IntN(3*24*3600))
	return q
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
				q := randomQuery(random)
				for _, level := range []archive.Level{archive.Raw, query.Auto} {
					q.Level = level
					asked[w.check(t, i, q)]++
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

// check compares an answer with the oracle's, and returns the level of the plan.
func (w *world) check(t *testing.T, i int, q query.Query) archive.Level {
	t.Helper()
	coverage, err := w.reader.Coverage(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	p, err := q.Plan(coverage)
	if err != nil {
		inRange := func(s sample) bool {
			_, ok := w.identified(q, s, false)
			return ok && s.ts >= int64(q.From) && s.ts < int64(q.To)
		}
		if slices.ContainsFunc(w.wanted(q), inRange) {
			t.Errorf("question %d, %+v: %v", i, q, err)
		}
		return ""
	}
	addsUp := q.Metric.Name != "uptime" && q.Metric.Unit != schema.Ratio
	series := query.Query{Kind: q.Kind, Metric: q.Metric}.Groups()
	single := !slices.ContainsFunc(series, func(column string) bool { return !slices.Contains(p.Groups(), column) })
	hours := func(ts int64) bool {
		return slices.ContainsFunc(p.Segments, func(s query.Segment) bool { return s.Level != archive.Raw && int64(s.From) <= ts && ts < int64(s.To) })
	}
	w.segments = p.Segments
	want := w.oracle(q, int64(p.Range.From), int64(p.Range.To), addsUp && !single, hours)
	if p.Level != archive.Raw && single {
		w.ofHours(q, int64(p.Range.From), int64(p.Range.To), want, hours)
	}
	got := w.answer(t, p, i%10 == 0)
	if len(got) != len(want) {
		t.Errorf("question %d, %+v: %d rows, want %d\n%s", i, q, len(got), len(want), p.Statement().Literal())
		return p.Level
	}
	rolled := slices.ContainsFunc(p.Segments, func(s query.Segment) bool { return s.Level != archive.Raw })
	if rolled != (p.Level != archive.Raw) {
		w.unrolled++
	}
	for key, aggs := range got {
		for agg, v := range aggs {
			exact, ok := want[key][agg]
			right := ok && near(v, exact)
			if rolled && !single {
				switch agg {
				case query.Avg:
					right = right || ok && addsUp && v <= exact && want[key][whole] == 0
				case query.Min:
					right = right || ok && addsUp && v <= exact
				case query.Max:
					right = right || ok && addsUp && v >= exact
				case query.Last: // of the last hour or day, rather than moment
					right = ok
				}
			}
			if !right {
				t.Errorf("question %d, %+v:\n%s of %s is %v, want %v (rolled: %v, from %v)\n%s", i, q, agg, key, v, exact, rolled, p, p.Statement().Literal())
				return p.Level
			}
		}
	}
	return p.Level
}

// TestPrunedIsFilledFromRollups: what retention has taken away of the rows is
// still there of the hours, and of the days.
func TestPrunedIsFilledFromRollups(t *testing.T) {
	w := newWorld(t, 5, 6)
	end := w.samples[len(w.samples)-1].ts
	keep := archive.Retention{
		archive.Raw:    {schema.Pod: 36 * gotime.Hour, schema.Node: 36 * gotime.Hour},
		archive.Hourly: {schema.Pod: 60 * gotime.Hour},
	}
	pruned, err := upkeep.Prune(t.Context(), w.path, sqlite.Options{Retention: keep}, gotime.Unix(end, 0))
	if err != nil || pruned.AllRows() == 0 {
		t.Fatalf("%+v, %v", pruned, err)
	}
	lookup := func(name schema.MetricName) schema.Metric {
		m, _ := schema.Lookup(name)
		m.Name = name
		return m
	}
	for i, name := range []schema.MetricName{"memory/working_set", "network/rx", "custom/queue", "cpu/usage_rate"} {
		q := query.Query{Metric: lookup(name), Kind: schema.Pod, From: begin, To: schema.Instant(end)}
		q.Aggs = []query.Agg{query.DefaultAgg(q.Metric)}
		for _, test := range []struct {
			step gotime.Duration
			from int64 // the oldest that there can be
			note string
		}{
			{24 * gotime.Hour, int64(begin), ""},
			{0, int64(begin), ""},
			{gotime.Hour, end - 60*3600, "hourly rows are kept from"},
			{10 * gotime.Minute, end - 36*3600, "raw rows are kept from"},
		} {
			q.Step = test.step
			if test.note == "raw rows are kept from" && q.Aggs[0] == query.Rate {
				continue // the row before the first one is gone
			}
			w.check(t, 10*i, q)
			c, err := w.reader.Coverage(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			p, err := q.Plan(c)
			if err != nil {
				t.Fatal(err)
			}
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
			plan := func() query.Plan {
				c, err := w.reader.Coverage(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				p, err := q.Plan(c)
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			q.Level = archive.Raw
			whole := w.answer(t, plan(), true)
			q.Step = gotime.Hour
			all := w.answer(t, plan(), false)
			q.Top = 2
			top := w.answer(t, plan(), true)
			groups := keys(whole)
			slices.SortFunc(groups, func(a, b string) int {
				return cmp.Or(cmp.Compare(whole[b][aggs[0]], whole[a][aggs[0]]), cmp.Compare(a, b))
			})
			want := 0
			for key, values := range all {
				name, _, _ := strings.Cut(key, "@")
				if !slices.Contains(groups[:2], name) {
					continue
				}
				want++
				for agg, v := range values {
					if !near(top[key][agg], v) {
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
	rates := func(level archive.Level, top int) expected {
		q.Level, q.Top = level, top
		c, err := w.reader.Coverage(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		p, err := q.Plan(c)
		if err != nil {
			t.Fatal(err)
		}
		if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, "a rate is over the time in which there are samples") {
			t.Errorf("notes %q", notes)
		}
		return w.answer(t, p, true)
	}
	lives := make(map[string][2]int64)
	for _, s := range w.wanted(q) {
		key := s.key([]string{"cluster", "namespace", "pod"})
		life, ok := lives[key]
		if !ok {
			life[0] = s.ts
		}
		lives[key] = [2]int64{life[0], s.ts}
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
		if got, want := aggs[query.Rate], raw[key][query.Rate]; math.Abs(got-want) > 0.15*want {
			t.Errorf("%s, which lived for %d hours, has the rate %v, want about %v", key, life/3600, got, want)
		}
	}
	if short < 3 {
		t.Errorf("only %d pods lived for less than a day", short)
	}
	greatest := slices.MaxFunc(keys(raw), func(a, b string) int { return cmp.Compare(raw[a][query.Rate], raw[b][query.Rate]) })
	if top := rates(archive.Raw, 1); len(top) != 1 || top[greatest] == nil {
		t.Errorf("the top one is %v, want %s", top, greatest)
	}
}
