WITH asked AS (SELECT unixepoch('now') AS now, 30 AS days, '*' AS namespaces, '' AS excluded, 6 AS top),
hours AS (
  SELECT h.namespace, i.owner_kind, i.owner, h.memory_request_max AS request, h.memory_working_set_p95 AS p95, h.memory_working_set_max AS max
  FROM pod_hourly h JOIN pod_identities i
    ON i.cluster = h.cluster AND i.namespace = h.namespace AND i.pod = h.pod AND h.ts BETWEEN i.valid_from AND i.valid_to
  WHERE h.ts >= (SELECT now - days * 86400 FROM asked) AND h.ts < (SELECT now FROM asked)
    AND h.namespace GLOB (SELECT namespaces FROM asked) AND h.namespace NOT GLOB (SELECT excluded FROM asked)),
ranked AS (
  SELECT *, cume_dist() OVER (PARTITION BY namespace, owner_kind, owner ORDER BY p95) AS share FROM hours)
SELECT namespace, owner_kind, owner, count(*) AS hours, max(request) / 1048576 AS request_mib,
  min(p95) FILTER (WHERE share >= 0.95) / 1048576 AS p95_mib, max(max) / 1048576 AS max_mib
FROM ranked
WHERE owner IS NOT NULL
GROUP BY namespace, owner_kind, owner
ORDER BY max_mib DESC
LIMIT (SELECT top FROM asked);
