WITH asked AS (SELECT unixepoch('now') AS now, 49 AS days, '*' AS namespaces, '' AS excluded, -1 AS top),
weeks AS (
  SELECT namespace, date(ts, 'unixepoch', 'weekday 0', '-6 days') AS week,
    sum(memory_usage_sum) / sum(memory_usage_count) / 1048576 AS mib
  FROM namespace_daily
  WHERE ts >= (SELECT unixepoch(now, 'unixepoch', 'start of day', 'weekday 1', -days || ' days') FROM asked) AND ts < (SELECT now FROM asked)
    AND namespace GLOB (SELECT namespaces FROM asked) AND namespace NOT GLOB (SELECT excluded FROM asked)
  GROUP BY namespace, week),
changes AS (
  SELECT *, mib - lag(mib) OVER (PARTITION BY namespace ORDER BY week) AS more_mib
  FROM weeks)
SELECT namespace, week AS week_of_monday, mib, more_mib, round(100.0 * more_mib / (mib - more_mib), 1) AS percent
FROM changes
WHERE abs(percent) >= 5
ORDER BY week, namespace
LIMIT (SELECT top FROM asked);
