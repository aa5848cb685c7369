SELECT substring(toString(toDate(toUInt16(intDiv(day, 86400)))), 1, 7) AS month, namespace,
  intDiv(sumIf(growth, counter = 'tx'), 1048576) AS sent_mib, intDiv(sumIf(growth, counter = 'rx'), 1048576) AS received_mib
FROM (
  SELECT namespace, counter, pair.1 - pair.1 % 86400 AS day, pair.2 AS growth
  FROM (
    SELECT cluster, namespace, pod, counter, arraySort(groupArray((ts, assumeNotNull(bytes)))) AS history
    FROM (SELECT cluster, namespace, pod, ts, network_tx, network_rx FROM pod)
    ARRAY JOIN ['tx', 'rx'] AS counter, [network_tx, network_rx] AS bytes
    WHERE bytes IS NOT NULL
    GROUP BY cluster, namespace, pod, counter)
  ARRAY JOIN arrayMap((a, b) -> (a.1, if(a.2 < b.2, a.2, a.2 - b.2)), history, arrayPushFront(arrayPopBack(history), history[1])) AS pair)
WHERE day >= {now:Int64} - 61 * 86400 AND day + 86400 <= (SELECT max(horizon) - 1200 FROM passes)
GROUP BY month, namespace
ORDER BY month, sent_mib DESC
