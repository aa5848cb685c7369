SELECT namespace, pod, before, after, floor(abs(after - before) * 10 + 0.5) / 10 * if(after < before, -1, 1) AS change
FROM (
  SELECT namespace, pod,
    floor(10 * sumIf(cpu_usage_rate, ts - ts % 86400 < {now:Int64} - {days:Int64} * 86400)
      / countIf(ts - ts % 86400 < {now:Int64} - {days:Int64} * 86400) + 0.5) / 10 AS before,
    floor(10 * sumIf(cpu_usage_rate, ts - ts % 86400 >= {now:Int64} - {days:Int64} * 86400)
      / countIf(ts - ts % 86400 >= {now:Int64} - {days:Int64} * 86400) + 0.5) / 10 AS after
  FROM pod
  WHERE ts - ts % 86400 >= {now:Int64} - 2 * {days:Int64} * 86400 AND ts - ts % 86400 < {now:Int64}
    AND ts - ts % 86400 + 86400 <= (SELECT max(horizon) - 1200 FROM passes)
    AND match(namespace, {namespaces:String}) AND NOT match(namespace, {excluded:String}) AND cpu_usage_rate IS NOT NULL
  GROUP BY namespace, pod)
WHERE NOT isNaN(after - before)
ORDER BY abs(change) DESC, namespace, pod
LIMIT {top:UInt64}
