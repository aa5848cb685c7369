SELECT node, toInt64(max(allocatable)) AS cpu_allocatable, max(requested) AS cpu_requested,
  toInt64(100 * max(requested) / nullIf(max(allocatable), 0)) AS requested_percent,
  toInt64(100 * max(p95) / nullIf(max(allocatable), 0)) AS used_percent,
  toInt64(100 * max(memory_requested) / nullIf(max(memory_allocatable), 0)) AS memory_requested_percent,
  toInt64(100 * max(memory_used) / nullIf(max(memory_allocatable), 0)) AS memory_used_percent
FROM (
  SELECT node, ts - ts % 3600 AS hour, max(cpu_node_allocatable) AS allocatable, max(cpu_request) AS requested,
    max(memory_node_allocatable) AS memory_allocatable, max(memory_request) AS memory_requested, max(memory_working_set) AS memory_used,
    arraySort(groupArray(cpu_usage_rate)) AS used, if(length(used) = 0, NULL, used[intDiv(length(used) * 95 + 99, 100)]) AS p95
  FROM node
  WHERE ts >= {now:Int64} - {days:Int64} * 86400 AND ts < {now:Int64} + 3600
  GROUP BY cluster, node, hour
  HAVING hour >= {now:Int64} - {days:Int64} * 86400 AND hour < {now:Int64}
    AND hour + 3600 <= (SELECT max(horizon) - 1200 FROM passes))
GROUP BY node
ORDER BY requested_percent DESC, node
LIMIT {top:UInt64}
