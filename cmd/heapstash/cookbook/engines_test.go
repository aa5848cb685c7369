package cookbook

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/answertest"
	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/query/querytest"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

// selecter is a reader of either engine.
type selecter interface {
	Select(ctx context.Context, statement string, begin func([]string) error, row func([]any) error) error
}

// TestEnginesAgree asks both engines every question, of the same samples.
func TestEnginesAgree(t *testing.T) {
	hours, end := weeks()
	lite := liteArchive(t, hours, end)
	house := houseArchive(t, hours)
	for _, name := range append(Names(), "sizing-owner") {
		for _, a := range []Asked{
			{Top: -1},
			{Range: 5 * 24 * time.Hour, Top: -1},
			{Namespaces: "[sm]*", Top: -1},
			{Excluded: "ml", Range: 3 * 24 * time.Hour, Top: 4},
		} {
			if name == "packing" {
				a.Namespaces, a.Excluded = "", ""
			}
			a.Now = end
			want, got := answerOf(t, lite, engine.SQLite, name, a), answerOf(t, house, engine.ClickHouse, name, a)
			if len(want) == 0 {
				t.Errorf("%s %+v: SQLite has no rows", name, a)
			}
			if len(got) != len(want) {
				t.Errorf("%s %+v: %d rows, SQLite has %d\n%v\n%v", name, a, len(got), len(want), got, want)
				continue
			}
			for i := range want {
				if !alike(got[i], want[i]) {
					t.Errorf("%s %+v, row %d: %v, SQLite has %v", name, a, i, got[i], want[i])
				}
			}
		}
	}
}

func answerOf(t *testing.T, of selecter, d engine.Dialect, name string, a Asked) (all [][]any) {
	t.Helper()
	text, err := SQL(d, name, a)
	if err == nil {
		err = of.Select(t.Context(), text, func(columns []string) error {
			all = append(all, nil)
			for _, column := range columns {
				all[0] = append(all[0], column)
			}
			return nil
		}, func(row []any) error {
			all = append(all, append([]any(nil), row...))
			return nil
		})
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
	return all
}

// alike reports whether the rows differ by the rounding of sums at most.
func alike(a, b []any) bool {
	number := func(v any) (float64, bool) {
		switch v := v.(type) {
		case int64:
			return float64(v), true
		case float64:
			return v, true
		}
		return 0, false
	}
	for i := range a {
		x, isNumber := number(a[i])
		y, both := number(b[i])
		if isNumber != both || isNumber && !(math.Abs(x-y) <= 1e-9*max(math.Abs(x), math.Abs(y), 1)) || !isNumber && a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

// weeks makes up some weeks of samples, until the end.
func weeks() (hours []querytest.Hour, end schema.Instant) {
	const step = 1200
	random := rand.New(rand.NewPCG(7, 7))
	begin := schema.InstantOf(time.Date(2018, 5, 28, 7, 0, 0, 0, time.UTC))
	end = begin + 18*86400
	received := make(map[string]int64)
	row := func(e schema.Entity, at schema.Instant, readings ...any) schema.Row {
		r := schema.Row{Entity: e, At: at}
		for i := 0; i < len(readings); i += 2 {
			r.Readings = append(r.Readings, schema.Reading{Metric: schema.MetricName(readings[i].(string)), Value: readings[i+1].(schema.Value)})
		}
		return r
	}
	some := func(from, to int64) schema.Value { return schema.Int(from + random.Int64N(to-from)) }
	var rows []schema.Row
	var identities []schema.Identity
	for at := begin; at < end; at += step {
		growing := int64(at-begin) * 300
		for n, namespace := range []string{"shop", "ml", "jobs"} {
			rows = append(rows, row(schema.NamespaceEntity(namespace), at, "memory/usage", some(int64(n)<<28+growing, int64(n)<<28+growing+1<<26)))
			for p := range 4 {
				pod := schema.PodEntity(namespace, fmt.Sprintf("web-%d", p))
				if at == begin || p == 1 && (at-begin)%(86400*3) == 0 {
					identities = append(identities, schema.Identity{Pod: pod, UID: fmt.Sprint(namespace, p, at), Node: "n1", Since: at,
						Owner: []schema.Owner{{Kind: "Deployment", Name: "web"}, {Kind: "StatefulSet", Name: "db"}, {}}[(n+p)%3]})
				}
				if p == 2 && at%86400 < 40000 || random.IntN(50) == 0 {
					continue
				}
				if received[pod.String()] += int64(p * random.IntN(40000)); random.IntN(400) == 0 {
					received[pod.String()] = 5
				}
				busy := int64(9)
				if p > 0 {
					busy += int64(at-begin) / 4000 * int64(p)
				}
				readings := []any{"cpu/usage_rate", some(0, busy), "cpu/request", schema.Int(int64(100 * (n + p))),
					"memory/request", schema.Int(1 << 28), "network/rx", schema.Int(received[pod.String()])}
				if p != 3 || random.IntN(30) > 0 {
					readings = append(readings, "memory/working_set", some(1<<27, 1<<28+int64(p)<<24))
				}
				rows = append(rows, row(pod, at, readings...))
			}
		}
		for n := range 2 {
			node := schema.NodeEntity(fmt.Sprintf("n%d", n))
			rows = append(rows, row(node, at, "cpu/usage_rate", some(100, 3000), "cpu/request", some(1000, 2000), "cpu/node_allocatable", schema.Int(int64(4000+n)),
				"memory/request", some(1<<30, 1<<31), "memory/working_set", some(1<<30, 1<<32), "memory/node_allocatable", schema.Real(float64(int64(8)<<30))))
		}
		if at%3600 == 0 || at+step >= end {
			hours = append(hours, querytest.Hour{End: at, Batches: []archive.Batch{{Cluster: "default", Rows: rows, Horizon: at, Identities: identities}}})
			rows, identities = nil, nil
		}
	}
	return hours, end
}

func liteArchive(t *testing.T, hours []querytest.Hour, end schema.Instant) selecter {
	path := filepath.Join(t.TempDir(), "a.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, hour := range hours {
		p := archive.Pass{Cluster: "default", Started: hour.End.Time()}
		if p.ID, err = s.BeginPass(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		for _, b := range hour.Batches {
			b.Pass = p.ID
			if _, err := s.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		p.Finished, p.Outcome, p.Horizon = p.Started, archive.OutcomeComplete, hour.End
		if err := s.EndPass(t.Context(), p, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := upkeep.Compact(t.Context(), path, sqlite.Options{}, end.Time()); err != nil {
		t.Fatal(err)
	}
	r, err := engine.ReadFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func houseArchive(t *testing.T, hours []querytest.Hour) selecter {
	server := clickhousetest.Start(t)
	address := "clickhouse://" + server.Address + "/" + server.Database(t)
	c, _, err := conn.OpenOrMake(t.Context(), address, conn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := answertest.Fill(t.Context(), c, querytest.WorldOf(hours)); err != nil {
		t.Fatal(err)
	}
	r, err := clickhouse.OpenReader(t.Context(), address, conn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}
