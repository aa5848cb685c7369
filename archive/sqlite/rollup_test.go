package sqlite_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

// TestRollupsAreWhatTheRowsComeTo fills an archive with random rows: gaps,
// metrics that are missing, counters that are reset, rows that come late, and
// compares every rollup with what the stock shell makes of the raw views.
func TestRollupsAreWhatTheRowsComeTo(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			path := newPath(t)
			s := open(t, path)
			random := rand.New(rand.NewPCG(seed, 0))
			begin := noon - noon%(24*3600) + 20*3600
			var late []schema.Row
			counters := make(map[schema.Entity]int64)
			for minute := range 34 * 60 {
				at := begin.Add(time.Duration(minute) * time.Minute)
				var rows []schema.Row
				for i := range 3 {
					node := schema.NodeEntity(fmt.Sprintf("n%d", i))
					if random.IntN(200) == 0 {
						counters[node] = 0
					}
					counters[node] += random.Int64N(1 << 40)
					r := row(node, at, reading("cpu/usage", counters[node]), readingOf("custom/queue", schema.Real(random.Float64())))
					if random.IntN(5) > 0 {
						r.Readings = append(r.Readings, reading("cpu/usage_rate", random.Int64N(1000)))
					}
					if random.IntN(50) == 0 {
						r.Readings = r.Readings[1:]
					}
					switch {
					case minute/60 == 7 && i == 1: // it was away for an hour
					case random.IntN(40) == 0:
						late = append(late, r)
					default:
						rows = append(rows, r)
					}
				}
				write(t, s, rows...)
				if minute%60 == 30 {
					if _, err := upkeep.CompactSome(t.Context(), s.Writer, at); err != nil {
						t.Fatal(err)
					}
				}
				if minute%170 == 0 && len(late) > 0 {
					write(t, s, late...)
					late = nil
				}
			}
			rollAll(t, s, path, begin.Add(40*time.Hour))
			if left := stock(t, path, "SELECT level, count(*) FROM rollup_due GROUP BY level"); left != "daily|6" { // nodes, and their custom metric
				t.Errorf("rollups that are due: %s, and the last day has not ended", left)
			}
			compareRollups(t, path)
		})
	}
}

// rollAll makes passes compact until no hour is due.
func rollAll(t *testing.T, s *sqlite.Store, path string, now schema.Instant) {
	t.Helper()
	for due := ""; due != "0"; due = stock(t, path, "SELECT count(*) FROM rollup_due WHERE level = 'hourly'") {
		if _, err := upkeep.CompactSome(t.Context(), s.Writer, now); err != nil {
			t.Fatal(err)
		}
	}
}

// compareRollups compares the hourly and daily views of nodes with the raw one.
func compareRollups(t *testing.T, path string) {
	t.Helper()
	const raw = `
		WITH grown AS (SELECT node, ts, cpu_usage AS v, lag(cpu_usage) OVER (PARTITION BY node ORDER BY ts) AS before
				FROM node WHERE cpu_usage IS NOT NULL),
			counters AS (SELECT node, ts - ts % SECONDS AS begun,
				sum(CASE WHEN before IS NULL THEN 0 WHEN v < before THEN v ELSE v - before END) AS increase, max(ts) AS latest
				FROM grown GROUP BY node, begun),
			gauges AS (SELECT node, ts - ts % SECONDS AS begun, count(*) AS samples, min(cpu_usage_rate) AS low, max(cpu_usage_rate) AS high,
				sum(cpu_usage_rate) AS sum, count(cpu_usage_rate) AS n FROM node GROUP BY node, begun)
		SELECT g.node, g.begun, samples, low, high, sum, n, round(1.0 * sum / n, 6), increase,
			(SELECT v FROM grown WHERE grown.node = g.node AND grown.ts = latest)
		FROM gauges g LEFT JOIN counters c ON c.node = g.node AND c.begun = g.begun WHERE g.begun < UNTIL ORDER BY 1, 2`
	const rolled = `
		SELECT node, ts, samples, cpu_usage_rate_min, cpu_usage_rate_max, cpu_usage_rate_sum, cpu_usage_rate_count,
			round(cpu_usage_rate_avg, 6), cpu_usage_increase, cpu_usage_last FROM node_LEVEL ORDER BY 1, 2`
	for level, seconds := range map[string]string{"hourly": "3600", "daily": "86400"} {
		until := stock(t, path, "SELECT max(ts) - max(ts) % "+seconds+" FROM node")
		if level == "hourly" {
			until = fmt.Sprint(math.MaxInt64)
		}
		want := stock(t, path, strings.NewReplacer("SECONDS", seconds, "UNTIL", until).Replace(raw))
		got := stock(t, path, strings.ReplaceAll(rolled, "LEVEL", level))
		if want == "" {
			t.Fatal("there is nothing to compare")
		}
		if want != got {
			t.Errorf("%s: %s", level, firstDifference(got, want))
		}
	}
	percentiles := `
		WITH ranked AS (SELECT node, ts - ts % 3600 AS begun, cpu_usage_rate AS v,
			row_number() OVER (PARTITION BY node, ts - ts % 3600 ORDER BY cpu_usage_rate) AS rank,
			count(*) OVER (PARTITION BY node, ts - ts % 3600) AS n FROM node WHERE cpu_usage_rate IS NOT NULL)
		SELECT node, begun, min(v) FILTER (WHERE rank >= 0.5 * n), min(v) FILTER (WHERE rank >= 0.95 * n) FROM ranked GROUP BY node, begun ORDER BY 1, 2`
	want := stock(t, path, percentiles)
	got := stock(t, path, "SELECT node, ts, cpu_usage_rate_p50, cpu_usage_rate_p95 FROM node_hourly WHERE cpu_usage_rate_count > 0 ORDER BY 1, 2")
	if want != got {
		t.Errorf("percentiles: %s", firstDifference(got, want))
	}
	want = stock(t, path, `SELECT kind, node, metric, ts - ts % 3600 AS begun, count(*), min(value), max(value), round(sum(value), 6), round(avg(value), 6) FROM samples
		WHERE metric IN ('cpu/usage_rate', 'custom/queue') GROUP BY kind, node, metric, begun ORDER BY 1, 2, 3, 4`)
	got = stock(t, path, `SELECT kind, node, metric, ts, samples, min, max, round(sum, 6), round(avg, 6) FROM samples_hourly
		WHERE metric IN ('cpu/usage_rate', 'custom/queue') ORDER BY 1, 2, 3, 4`)
	if want != got {
		t.Errorf("samples_hourly: %s", firstDifference(got, want))
	}
}
