WITH asked AS (SELECT unixepoch('now') AS now, 30 AS days, '*' AS namespaces, '' AS excluded, 8 AS top),
hours AS (
  SELECT namespace, pod, cpu_request_max AS request, cpu_usage_rate_max AS max,
    cpu_usage_rate_p50 AS p50, cume_dist() OVER (PARTITION BY namespace, pod ORDER BY cpu_usage_rate_p50) AS p50_share,
    cpu_usage_rate_p95 AS p95, cume_dist() OVER (PARTITION BY namespace, pod ORDER BY cpu_usage_rate_p95) AS p95_share
  FROM pod_hourly
  WHERE ts >= (SELECT now - days * 86400 FROM asked) AND ts < (SELECT now FROM asked) AND cpu_usage_rate_p95 IS NOT NULL
    AND namespace GLOB (SELECT namespaces FROM asked) AND namespace NOT GLOB (SELECT excluded FROM asked))
SELECT namespace, pod, count(*) AS hours, max(request) AS cpu_request,
  min(p50) FILTER (WHERE p50_share >= 0.5) AS cpu_p50,
  min(p95) FILTER (WHERE p95_share >= 0.95) AS cpu_p95,
  max(max) AS cpu_max
FROM hours
GROUP BY namespace, pod
HAVING cpu_request > 0
ORDER BY cpu_request - cpu_p95 DESC
LIMIT (SELECT top FROM asked);
