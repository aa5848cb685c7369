package main

import (
	"fmt"
	"strings"
)

// dialect is the SQL of an engine that has only rows.
type dialect struct {
	pods string // the table of pods
	hour string // of ts
	// p95 is the value of the nearest rank, rounded up, of the column COLUMN.
	p95 string
}

// clickhouseSQL reads the table behind the view: servers of 2018 apply no condition before
// they have read all of a view.
var clickhouseSQL = dialect{
	pods: "pod_rows FINAL",
	hour: "intDiv(ts, 3600) * 3600",
	p95:  "arrayElement(arraySort(groupArray(COLUMN)), intDiv(95 * count(COLUMN) + 99, 100))",
}

// lakeSQL is DuckDB's SQL over the lake in the directory.
func lakeSQL(dir string) dialect {
	return dialect{
		pods: fmt.Sprintf("read_parquet('%s/kind=pod/*/*/*.parquet', hive_partitioning = true, hive_types_autocast = false, union_by_name = true)", dir),
		hour: "ts // 3600 * 3600",
		p95:  "quantile_disc(COLUMN, 0.95)",
	}
}

func (d dialect) percentile(column string) string {
	return strings.ReplaceAll(d.p95, "COLUMN", column)
}

func (a subject) podsOfRows(d dialect, r span) string {
	return fmt.Sprintf(`SELECT %s AS hour, avg(cpu_usage_rate) AS cpu, avg(memory_working_set) AS memory FROM %s
WHERE namespace = '%s' AND pod = '%s' AND %s GROUP BY hour ORDER BY hour`, d.hour, d.pods, a.namespace, a.pod, r.within())
}

func (a subject) topOfRows(d dialect, r span) string {
	return fmt.Sprintf(`SELECT pod, avg(cpu_usage_rate) AS millicores FROM %s
WHERE namespace = '%s' AND %s GROUP BY pod ORDER BY millicores DESC LIMIT 10`, d.pods, a.namespace, r.within())
}

func rightSizingOfRows(d dialect, r span) string {
	return fmt.Sprintf(`SELECT namespace, pod, %s AS cpu_p95, %s AS memory_p95, max(cpu_most) AS cpu_request, max(memory_most) AS memory_request FROM (
  SELECT namespace, pod, %s AS hour, %s AS cpu, %s AS memory, max(cpu_request) AS cpu_most, max(memory_request) AS memory_most
  FROM %s WHERE %s GROUP BY namespace, pod, hour) AS hours
GROUP BY namespace, pod`, d.percentile("cpu"), d.percentile("memory"),
		d.hour, d.percentile("cpu_usage_rate"), d.percentile("memory_working_set"), d.pods, r.within())
}
