SELECT formatDateTime(toDateTime(hour, 'UTC'), '%Y-%m-%dT%H:%M:%SZ') AS time_of_hour, n AS samples, 60 - n AS missing
FROM (
  SELECT ts - ts % 3600 AS hour, toInt64(count()) AS n
  FROM cluster
  WHERE ts >= {now:Int64} - 42 * 86400
  GROUP BY cluster, hour
  HAVING hour >= {now:Int64} - 42 * 86400 AND n < 60 AND hour + 3600 <= (SELECT max(horizon) - 1200 FROM passes))
ORDER BY hour
