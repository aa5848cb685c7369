SELECT namespace, length(sorted) AS n,
  intDiv(sorted[intDiv(n * 50 + 99, 100)], 1048576) AS p50_mib,
  intDiv(sorted[intDiv(n * 95 + 99, 100)], 1048576) AS p95_mib,
  intDiv(sorted[intDiv(n * 99 + 99, 100)], 1048576) AS p99_mib
FROM (
  SELECT namespace, arraySort(groupArray(memory_working_set)) AS sorted
  FROM pod
  WHERE ts >= {now:Int64} - 86400 AND memory_working_set IS NOT NULL
  GROUP BY namespace)
ORDER BY namespace
