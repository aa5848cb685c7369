SELECT namespace, pod, count() AS hours, max(request) AS cpu_request,
  arraySort(groupArray(p50))[intDiv(count() * 50 + 99, 100)] AS cpu_p50,
  arraySort(groupArray(p95))[intDiv(count() * 95 + 99, 100)] AS cpu_p95,
  max(most) AS cpu_max
FROM (
  SELECT namespace, pod, request, most,
    used[intDiv(length(used) * 50 + 99, 100)] AS p50, used[intDiv(length(used) * 95 + 99, 100)] AS p95
  FROM (
    SELECT namespace, pod, ts - ts % 3600 AS hour, max(cpu_request) AS request, max(cpu_usage_rate) AS most, arraySort(groupArray(cpu_usage_rate)) AS used
    FROM pod
    WHERE ts >= {now:Int64} - {days:Int64} * 86400 AND ts < {now:Int64} + 3600
      AND match(namespace, {namespaces:String}) AND NOT match(namespace, {excluded:String})
    GROUP BY cluster, namespace, pod, hour
    HAVING length(used) > 0 AND hour >= {now:Int64} - {days:Int64} * 86400 AND hour < {now:Int64}
      AND hour + 3600 <= (SELECT max(horizon) - 1200 FROM passes)))
GROUP BY namespace, pod
HAVING cpu_request > 0
ORDER BY cpu_request - cpu_p95 DESC, namespace, pod
LIMIT {top:UInt64}
