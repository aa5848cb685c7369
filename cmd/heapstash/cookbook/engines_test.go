package cookbook

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/collect"
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
	days, end := weeks()
	lite := liteArchive(t, days, end)
	house := houseArchive(t, days)
	compare := func(question, liteSQL, houseSQL string) {
		t.Helper()
		want, got := rowsOf(t, lite, liteSQL), rowsOf(t, house, houseSQL)
		if len(want) == 0 || len(got) != len(want) {
			t.Errorf("%s: %d rows, SQLite has %d\n%v\n%v", question, len(got), len(want), got, want)
			return
		}
		for i := range want {
			if !alike(got[i], want[i]) {
				t.Errorf("%s, row %d: %v, SQLite has %v", question, i, got[i], want[i])
			}
		}
	}
	for _, name := range append(Names(), "sizing-owner") {
		for _, a := range []Asked{
			{Top: -1},
			{Range: 12 * 24 * time.Hour, Top: -1},
			{Namespaces: "[sm]*", Top: -1},
			{Excluded: "ml", Range: 8 * 24 * time.Hour, Top: 4},
		} {
			if name == "packing" {
				a.Namespaces, a.Excluded = "", ""
			}
			a.Now = end
			liteSQL, err := SQL(engine.SQLite, name, a)
			houseSQL, houseErr := SQL(engine.ClickHouse, name, a)
			if err = errors.Join(err, houseErr); err != nil {
				t.Fatal(err)
			}
			compare(fmt.Sprintf("%s %+v", name, a), liteSQL, houseSQL)
		}
	}
	for name := range others {
		compare(name, otherSQL(t, engine.SQLite, name, end), otherSQL(t, engine.ClickHouse, name, end))
	}
}

func rowsOf(t *testing.T, of selecter, statement string) (all [][]any) {
	t.Helper()
	err := of.Select(t.Context(), statement, func([]string) error { return nil }, func(row []any) error {
		all = append(all, slices.Clone(row))
		return nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, statement)
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

// weeks makes up some weeks of samples, until the end, a batch a day.
func weeks() (days []archive.Batch, end schema.Instant) {
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
	vanished := make(map[schema.Entity]schema.Instant)
	for at := begin; at < end; at += step {
		growing := int64(at-begin) * 300
		if random.IntN(20) > 0 {
			rows = append(rows, row(schema.ClusterEntity(), at, "cpu/usage_rate", some(0, 5000)))
		}
		for n, namespace := range []string{"shop", "ml", "jobs"} {
			rows = append(rows, row(schema.NamespaceEntity(namespace), at, "cpu/usage_rate", some(0, 500), "memory/usage", some(int64(n)<<28+growing, int64(n)<<28+growing+1<<26)))
			for p := range 4 {
				pod := schema.PodEntity(namespace, fmt.Sprintf("web-%d", p))
				if at == begin || p == 1 && (at-begin)%(86400*3) == 0 {
					identities = append(identities, schema.Identity{Pod: pod, UID: fmt.Sprint(namespace, p, at), Node: "n1", Since: at,
						Owner: []schema.Owner{{Kind: "Deployment", Name: "web"}, {Kind: "StatefulSet", Name: "db"}, {}}[(n+p)%3]})
				}
				if at > end-3*86400 && p == 3 && n < 2 {
					vanished[pod] = end - 3*86400 - schema.Instant(n)*step // gone
					continue
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
					"memory/request", schema.Int(1 << 28), "network/rx", schema.Int(received[pod.String()]),
					"network/tx", schema.Int(received[pod.String()] * 3), "restart_count", schema.Int(int64(at-begin) / 86400 % 5 * int64(p))}
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
		if at%86400 == 0 || at+step >= end {
			b := archive.Batch{Cluster: "default", Rows: rows, Horizon: at, Identities: identities, Vanished: vanished}
			if at%(86400*4) == 0 {
				b.Holes = []archive.Hole{{Entity: schema.PodEntity("shop", ""), Cause: archive.CauseLate, Detail: "late", Window: schema.Window{From: at - 900, To: at - 1}}}
			}
			days = append(days, b)
			rows, identities, vanished = nil, nil, make(map[schema.Entity]schema.Instant)
		}
	}
	return days, end
}

// store is an archive of either engine, open for passes.
type store interface {
	collect.Store
	Close() error
}

// write makes a pass for each day.
func write(t *testing.T, s store, days []archive.Batch) {
	t.Helper()
	for _, b := range days {
		p := archive.Pass{Cluster: "default", Started: b.Horizon.Time()}
		var err error
		if p.ID, err = s.BeginPass(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		b.Pass = p.ID
		if _, err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		p.Finished, p.Outcome, p.Horizon = p.Started, archive.OutcomeComplete, b.Horizon
		if err := s.EndPass(t.Context(), p, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func liteArchive(t *testing.T, days []archive.Batch, end schema.Instant) selecter {
	path := filepath.Join(t.TempDir(), "a.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, days)
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

func houseArchive(t *testing.T, days []archive.Batch) selecter {
	server := clickhousetest.Start(t)
	address := "clickhouse://" + server.Address + "/" + server.Database(t)
	s, err := clickhouse.Open(t.Context(), address, clickhouse.Options{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, days)
	r, err := clickhouse.OpenReader(t.Context(), address, conn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// others are the cookbook's questions that no command asks, by ClickHouse's file.
var others = map[string]string{
	"gone": "Which pods are gone, and what did they use?", "restarts": "What restarted?", "incarnations": "Which web-0 was that?", "gaps": "What is missing?",
	"incomplete": "Which hours are incomplete?", "day": "What does a day look like?", "quantile": "A percentile of anything: quantile(x, p)", "senders": "Who sends most?",
}

// otherSQL returns a question of the cookbook that no command asks, as seen from the end.
func otherSQL(t *testing.T, d engine.Dialect, name string, end schema.Instant) string {
	t.Helper()
	if d == engine.ClickHouse {
		text, err := Text(d, name)
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(text, "{now:Int64}", fmt.Sprint(int64(end)))
	}
	page, err := os.ReadFile("../../../docs/cookbook.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "## "+others[name]+"\n")
	_, section, begun := strings.Cut(section, "```sql\n")
	text, _, ended := strings.Cut(section, ";\n```")
	if !found || !begun || !ended {
		t.Fatalf("docs/cookbook.md does not ask: %s", others[name])
	}
	return strings.ReplaceAll(text, "'now'", fmt.Sprintf("'%s'", end.Time().Format(time.DateTime)))
}
