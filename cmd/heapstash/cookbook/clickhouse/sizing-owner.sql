SELECT namespace, owner_kind, owner, count() AS hours, intDiv(max(request), 1048576) AS request_mib,
  if(count(p95) = 0, NULL, intDiv(arraySort(groupArray(p95))[greatest(1, intDiv(count() * 95 + 99, 100) - (count() - count(p95)))], 1048576)) AS p95_mib,
  intDiv(max(most), 1048576) AS max_mib
FROM (
  SELECT namespace, incarnation.1 AS owner_kind, incarnation.2 AS owner, request, most,
    if(length(used) = 0, NULL, used[intDiv(length(used) * 95 + 99, 100)]) AS p95
  FROM (
    SELECT namespace, request, most, used, arrayFilter(i -> i.3 <= hour AND hour <= i.4, (hour, incarnations).2) AS then
    FROM (
      SELECT cluster, namespace, pod, ts - ts % 3600 AS hour, max(memory_request) AS request, max(memory_working_set) AS most,
        arraySort(groupArray(memory_working_set)) AS used
      FROM pod
      WHERE ts >= {now:Int64} - {days:Int64} * 86400 AND ts < {now:Int64} + 3600
        AND match(namespace, {namespaces:String}) AND NOT match(namespace, {excluded:String})
      GROUP BY cluster, namespace, pod, hour
      HAVING hour >= {now:Int64} - {days:Int64} * 86400 AND hour < {now:Int64}
        AND hour + 3600 <= (SELECT max(horizon) - 1200 FROM passes)) AS h
    ANY LEFT JOIN (
      SELECT cluster, namespace, pod, groupArray((ifNull(owner_kind, ''), ifNull(owner, ''), toInt64(valid_from), toInt64(valid_to))) AS incarnations
      FROM pod_identities
      WHERE owner IS NOT NULL
      GROUP BY cluster, namespace, pod) AS i USING (cluster, namespace, pod)) AS j
  ARRAY JOIN then AS incarnation)
GROUP BY namespace, owner_kind, owner
ORDER BY max_mib DESC, namespace, owner_kind, owner
LIMIT {top:UInt64}
