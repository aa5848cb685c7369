SELECT namespace, pod, sum(ended) AS days, max(cpu) AS cpu_max, sum(growth) AS received,
  intDiv(max(memory), 1048576) AS max_mib, intDiv(max(request), 1048576) AS request_mib
FROM (
  SELECT namespace, pod, ended, cpu, memory, request,
    arraySum(arrayMap((a, b) -> if(a.1 < {now:Int64} - {days:Int64} * 86400, 0, if(a.2 < b.2, a.2, a.2 - b.2)),
      history, arraySlice(arrayPushFront(history, history[1]), 1, length(history)))) AS growth
  FROM (
    SELECT namespace, pod, length(groupUniqArrayIf(day, day >= {now:Int64} - {days:Int64} * 86400)) AS ended,
      max(cpu_usage_rate) AS cpu, max(memory_working_set) AS memory, max(memory_request) AS request,
      arraySort(groupArrayIf((at, assumeNotNull(network_rx)), network_rx IS NOT NULL)) AS history
    FROM (
      SELECT cluster, namespace, pod, ts AS at, ts - ts % 86400 AS day, cpu_usage_rate, memory_working_set, memory_request, network_rx
      FROM pod
      WHERE day >= {now:Int64} - {days:Int64} * 86400 AND day < {now:Int64} AND day + 86400 <= (SELECT max(horizon) - 1200 FROM passes)
        AND match(namespace, {namespaces:String}) AND NOT match(namespace, {excluded:String})
      UNION ALL
      SELECT cluster, namespace, pod, max(ts), 0, NULL, NULL, NULL, argMax(network_rx, ts)
      FROM pod
      WHERE ts - ts % 86400 < {now:Int64} - {days:Int64} * 86400 AND network_rx IS NOT NULL
        AND match(namespace, {namespaces:String}) AND NOT match(namespace, {excluded:String})
      GROUP BY cluster, namespace, pod)
    WHERE (cluster, namespace, pod) IN (SELECT cluster, namespace, pod FROM entities WHERE kind = 'pod' AND listed)
    GROUP BY cluster, namespace, pod
    HAVING ended > 0 AND length(history) > 0 AND history[length(history)].1 >= {now:Int64} - {days:Int64} * 86400))
GROUP BY namespace, pod
HAVING cpu_max < 10 AND received < 1048576
ORDER BY max_mib DESC, namespace, pod
LIMIT {top:UInt64}
