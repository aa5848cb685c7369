WITH asked AS (SELECT unixepoch('now') AS now, 14 AS days, '*' AS namespaces, '' AS excluded, -1 AS top)
SELECT d.namespace, d.pod, count(*) AS days, max(d.cpu_usage_rate_max) AS cpu_max,
  sum(d.network_rx_increase) AS received, max(d.memory_working_set_max) / 1048576 AS max_mib, max(d.memory_request_max) / 1048576 AS request_mib
FROM pod_daily d JOIN entities e ON e.kind = 'pod' AND e.cluster = d.cluster AND e.namespace = d.namespace AND e.pod = d.pod
WHERE d.ts >= (SELECT now - days * 86400 FROM asked) AND d.ts < (SELECT now FROM asked) AND e.listed
  AND d.namespace GLOB (SELECT namespaces FROM asked) AND d.namespace NOT GLOB (SELECT excluded FROM asked)
GROUP BY d.namespace, d.pod
HAVING cpu_max < 10 AND received < 1048576
ORDER BY max_mib DESC
LIMIT (SELECT top FROM asked);
