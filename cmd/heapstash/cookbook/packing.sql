WITH asked AS (SELECT unixepoch('now') AS now, 7 AS days, -1 AS top)
SELECT node, CAST(max(cpu_node_allocatable_max) AS INTEGER) AS cpu_allocatable, max(cpu_request_max) AS cpu_requested,
  CAST(100 * max(cpu_request_max) / max(cpu_node_allocatable_max) AS INTEGER) AS requested_percent,
  CAST(100 * max(cpu_usage_rate_p95) / max(cpu_node_allocatable_max) AS INTEGER) AS used_percent,
  CAST(100 * max(memory_request_max) / max(memory_node_allocatable_max) AS INTEGER) AS memory_requested_percent,
  CAST(100 * max(memory_working_set_max) / max(memory_node_allocatable_max) AS INTEGER) AS memory_used_percent
FROM node_hourly
WHERE ts >= (SELECT now - days * 86400 FROM asked) AND ts < (SELECT now FROM asked)
GROUP BY node
ORDER BY requested_percent DESC, node
LIMIT (SELECT top FROM asked);
