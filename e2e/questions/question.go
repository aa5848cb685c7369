package main

import (
	"fmt"
	"strings"
	"time"
)

// question is a question in the SQL of several engines and in InfluxQL.
type question struct {
	name   string
	target time.Duration       // of the SQL over its full range
	days   int                 // of that range
	sql    func(r span) string // for SQLite, which has hours and days
	// scan returns the SQL for engines that have only rows.
	scan func(d dialect, r span) string
	// influx returns the statements for InfluxDB. The answer has, for each key, the
	// values of all statements.
	influx func(r span) []string
	// ranked is the SQL with InfluxDB's percentiles: InfluxDB rounds the rank to the
	// nearest integer, heapstash rounds it up. Hours with fewer than 60 minutes are
	// still rounded up, except by exact, which is for one row. Both are nil for a
	// question without percentiles.
	ranked func(r span) string
	exact  func(r span, key string) string
	// keys is the number of columns that name a row.
	keys int
}

// span is a range of days before a midnight, UTC.
type span struct {
	end  time.Time
	days int
}

func (r span) begin() time.Time { return r.end.AddDate(0, 0, -r.days) }

// where returns the condition on ts.
func (r span) where() string {
	return fmt.Sprintf("ts >= unixepoch('%s', '-%d days') AND ts < unixepoch('%[1]s')", r.end.Format(time.DateOnly), r.days)
}

// within is [span.where] in every engine's SQL.
func (r span) within() string {
	return fmt.Sprintf("ts >= %d AND ts < %d", r.begin().Unix(), r.end.Unix())
}

// when returns the condition on InfluxDB's time.
func (r span) when() string {
	return fmt.Sprintf("time >= '%s' AND time < '%s'", r.begin().Format(time.RFC3339), r.end.Format(time.RFC3339))
}

// metrics are the metrics of the questions.
var metrics = []string{"cpu/usage_rate", "cpu/request", "memory/working_set", "memory/request"}

// subject is the namespace and the pod of the questions.
type subject struct{ namespace, pod string }

func (a subject) questions() []question {
	return []question{
		{name: "one pod, hour by hour", target: 50 * time.Millisecond, days: 365, keys: 1, sql: a.pods, scan: a.podsOfRows, influx: a.podsOfInflux},
		{name: "top 10 of a namespace by CPU", target: 200 * time.Millisecond, days: 90, keys: 1, sql: a.top, scan: a.topOfRows, influx: a.topOfInflux},
		{name: "right-sizing: p95 of hourly p95, every pod", target: 2 * time.Second, days: 30, keys: 2,
			sql: rightSizing, scan: rightSizingOfRows, influx: rightSizingOfInflux, ranked: rightSizingByRoundedRank, exact: rightSizingOfMinutes},
	}
}

func (a subject) pods(r span) string {
	return fmt.Sprintf(`SELECT ts, cpu_usage_rate_avg, memory_working_set_avg FROM pod_hourly
WHERE namespace = '%s' AND pod = '%s' AND %s ORDER BY ts`, a.namespace, a.pod, r.where())
}

func (a subject) podsOfInflux(r span) (statements []string) {
	for _, metric := range []string{"cpu/usage_rate", "memory/working_set"} {
		statements = append(statements, fmt.Sprintf(`SELECT mean(value) FROM "%s" WHERE type = 'pod' AND namespace_name = '%s' AND pod_name = '%s' AND %s GROUP BY time(1h) fill(none)`,
			metric, a.namespace, a.pod, r.when()))
	}
	return statements
}

func (a subject) top(r span) string {
	return fmt.Sprintf(`SELECT pod, 1.0 * sum(cpu_usage_rate_sum) / sum(cpu_usage_rate_count) AS millicores FROM pod_daily
WHERE namespace = '%s' AND %s GROUP BY pod ORDER BY millicores DESC LIMIT 10`, a.namespace, r.where())
}

func (a subject) topOfInflux(r span) []string {
	return []string{fmt.Sprintf(`SELECT top(millicores, pod_name, 10) FROM (SELECT mean(value) AS millicores FROM "cpu/usage_rate" WHERE type = 'pod' AND namespace_name = '%s' AND %s GROUP BY pod_name)`,
		a.namespace, r.when())}
}

// rightSizing: cume_dist is the share of the values that are not greater. The value
// of the nearest rank is the least with a large enough share.
func rightSizing(r span) string {
	const text = `NAME AS MATERIALIZED (
  SELECT namespace, pod, min(p95) AS p95, max(request) AS request FROM (
    SELECT namespace, pod, USED_p95 AS p95, REQUESTED_max AS request,
      cume_dist() OVER (PARTITION BY namespace, pod ORDER BY USED_p95) AS share
    FROM pod_hourly WHERE RANGE AND USED_p95 IS NOT NULL)
  WHERE share >= 0.95 GROUP BY namespace, pod)`
	fill := func(name, used, requested string) string {
		return strings.NewReplacer("NAME", name, "USED", used, "REQUESTED", requested, "RANGE", r.where()).Replace(text)
	}
	return "WITH " + fill("cpu", "cpu_usage_rate", "cpu_request") + ",\n" + fill("memory", "memory_working_set", "memory_request") + `
SELECT namespace, pod, cpu.p95 AS cpu_p95, memory.p95 AS memory_p95, cpu.request AS cpu_request, memory.request AS memory_request
FROM memory LEFT JOIN cpu USING (namespace, pod)`
}

// rightSizingByRoundedRank counts ranks.
func rightSizingByRoundedRank(r span) string {
	const text = `WITH hours AS (
  SELECT namespace, pod, cpu_usage_rate_p95 AS cpu, memory_working_set_p95 AS memory, cpu_request_max AS cpu_request, memory_request_max AS memory_request,
    row_number() OVER (PARTITION BY namespace, pod ORDER BY cpu_usage_rate_p95 DESC) AS cpu_rank,
    row_number() OVER (PARTITION BY namespace, pod ORDER BY memory_working_set_p95 DESC) AS memory_rank,
    count(cpu_usage_rate_p95) OVER (PARTITION BY namespace, pod) AS cpu_hours,
    count(memory_working_set_p95) OVER (PARTITION BY namespace, pod) AS memory_hours
  FROM pod_hourly WHERE RANGE)
SELECT namespace, pod, max(cpu) FILTER (WHERE cpu_rank = RANK(cpu_hours)) AS cpu_p95, max(memory) FILTER (WHERE memory_rank = RANK(memory_hours)) AS memory_p95,
  max(cpu_request) AS cpu_request, max(memory_request) AS memory_request
FROM hours GROUP BY namespace, pod`
	const rank = "HOURS - max(1, (95 * HOURS + 50) / 100) + 1" // from above, where NULLs are last
	return strings.NewReplacer("RANGE", r.where(), "RANK(cpu_hours)", strings.ReplaceAll(rank, "HOURS", "cpu_hours"),
		"RANK(memory_hours)", strings.ReplaceAll(rank, "HOURS", "memory_hours")).Replace(text)
}

// rightSizingOfMinutes computes InfluxDB's percentiles from one pod's rows.
func rightSizingOfMinutes(r span, key string) string {
	namespace, pod, _ := strings.Cut(key, "/")
	const text = `(WITH
  minutes AS (SELECT COLUMN AS v, row_number() OVER (PARTITION BY ts / 3600 ORDER BY COLUMN) AS rank, count(*) OVER (PARTITION BY ts / 3600) AS n
    FROM pod WHERE WHO AND COLUMN IS NOT NULL),
  hours AS (SELECT v, row_number() OVER (ORDER BY v) AS rank, count(*) OVER () AS n FROM minutes WHERE rank = max(1, (95 * n + 50) / 100))
  SELECT v FROM hours WHERE rank = max(1, (95 * n + 50) / 100))`
	who := fmt.Sprintf("namespace = '%s' AND pod = '%s' AND %s", namespace, pod, r.where())
	fill := func(column string) string { return strings.NewReplacer("COLUMN", column, "WHO", who).Replace(text) }
	return fmt.Sprintf("SELECT '%s', '%s', %s AS cpu_p95, %s AS memory_p95, max(cpu_request), max(memory_request) FROM pod WHERE %s",
		namespace, pod, fill("cpu_usage_rate"), fill("memory_working_set"), who)
}

func rightSizingOfInflux(r span) (statements []string) {
	for _, metric := range []string{"cpu/usage_rate", "memory/working_set"} {
		statements = append(statements, fmt.Sprintf(`SELECT percentile(p, 95) FROM (SELECT percentile(value, 95) AS p FROM "%s" WHERE type = 'pod' AND %s GROUP BY time(1h), namespace_name, pod_name) GROUP BY namespace_name, pod_name`,
			metric, r.when()))
	}
	for _, metric := range []string{"cpu/request", "memory/request"} {
		statements = append(statements, fmt.Sprintf(`SELECT max(value) FROM "%s" WHERE type = 'pod' AND %s GROUP BY namespace_name, pod_name`, metric, r.when()))
	}
	return statements
}
