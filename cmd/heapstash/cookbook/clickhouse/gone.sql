SELECT namespace, pod, toString(toDateTime(first_seen, 'UTC')) AS first, toString(toDateTime(last_seen, 'UTC')) AS last,
  floor((last_seen - first_seen) / 8640 + 0.5) / 10 AS days, floor(used / 6000 + 0.5) / 10 AS core_hours
FROM (SELECT cluster, namespace, pod, first_seen, last_seen FROM entities WHERE kind = 'pod' AND NOT listed AND last_seen >= {now:Int64} - 7 * 86400) AS e
ANY LEFT JOIN (
  SELECT cluster, toNullable(namespace) AS namespace, toNullable(pod) AS pod, toNullable(sum(cpu_usage_rate)) AS used
  FROM pod
  WHERE ts - ts % 86400 + 86400 <= (SELECT max(horizon) - 1200 FROM passes)
  GROUP BY cluster, namespace, pod) AS p USING (cluster, namespace, pod)
ORDER BY last_seen DESC
LIMIT 6
