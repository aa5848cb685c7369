SELECT namespace, week_of_monday, mib, more_mib, percent
FROM (
  SELECT namespace, toString(toDate(toUInt16(week.1))) AS week_of_monday, week.2 AS mib, week.2 - before.2 AS more_mib,
    if(before.2 = 0, NULL, floor(abs(1000 * (week.2 - before.2) / before.2) + 0.5) / 10 * if(week.2 < before.2, -1, 1)) AS percent
  FROM (
    SELECT namespace, arraySort(groupArray((monday, used))) AS weeks
    FROM (
      SELECT namespace, intDiv(ts, 86400) - (intDiv(ts, 86400) + 3) % 7 AS monday, intDiv(intDiv(sum(memory_usage), count(memory_usage)), 1048576) AS used
      FROM namespace
      WHERE ts >= (intDiv({now:Int64}, 86400) + 6 - (intDiv({now:Int64}, 86400) + 9) % 7 - {days:Int64}) * 86400
        AND ts - ts % 86400 < {now:Int64} AND ts - ts % 86400 + 86400 <= (SELECT max(horizon) - 1200 FROM passes)
        AND match(namespace, {namespaces:String}) AND NOT match(namespace, {excluded:String}) AND memory_usage IS NOT NULL
      GROUP BY namespace, monday)
    GROUP BY namespace)
  ARRAY JOIN arrayPopFront(weeks) AS week, arrayPopBack(weeks) AS before)
WHERE abs(percent) >= 5
ORDER BY week_of_monday, namespace
LIMIT {top:UInt64}
