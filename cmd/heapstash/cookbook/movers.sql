WITH asked AS (SELECT unixepoch('now') AS now, 7 AS days, '*' AS namespaces, '' AS excluded, 5 AS top),
weeks AS (
  SELECT namespace, pod,
    round(1.0 * sum(cpu_usage_rate_sum) FILTER (WHERE ts < (SELECT now - days * 86400 FROM asked))
      / sum(cpu_usage_rate_count) FILTER (WHERE ts < (SELECT now - days * 86400 FROM asked)), 1) AS before,
    round(1.0 * sum(cpu_usage_rate_sum) FILTER (WHERE ts >= (SELECT now - days * 86400 FROM asked))
      / sum(cpu_usage_rate_count) FILTER (WHERE ts >= (SELECT now - days * 86400 FROM asked)), 1) AS after
  FROM pod_daily
  WHERE ts >= (SELECT now - 2 * days * 86400 FROM asked) AND ts < (SELECT now FROM asked)
    AND namespace GLOB (SELECT namespaces FROM asked) AND namespace NOT GLOB (SELECT excluded FROM asked)
  GROUP BY namespace, pod)
SELECT *, round(after - before, 1) AS change
FROM weeks
WHERE change IS NOT NULL
ORDER BY abs(change) DESC
LIMIT (SELECT top FROM asked);
