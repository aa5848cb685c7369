SELECT namespace, pod, toString(toDate(toUInt16(intDiv(day, 86400)))) AS day_of_restarts, sum(growth) AS restarts, argMax(counter, at) AS since_it_began
FROM (
  SELECT namespace, pod, pair.1 AS at, at - at % 86400 AS day, pair.2 AS counter, pair.3 AS growth
  FROM (
    SELECT cluster, namespace, pod, arraySort(groupArray((ts, assumeNotNull(restart_count)))) AS history
    FROM pod
    WHERE restart_count IS NOT NULL
    GROUP BY cluster, namespace, pod)
  ARRAY JOIN arrayMap((a, b) -> (a.1, a.2, if(a.2 < b.2, a.2, a.2 - b.2)), history, arrayPushFront(arrayPopBack(history), history[1])) AS pair)
WHERE day >= {now:Int64} - 10 * 86400 AND day + 86400 <= (SELECT max(horizon) - 1200 FROM passes)
GROUP BY namespace, pod, day
HAVING restarts > 0
ORDER BY day, namespace, pod
