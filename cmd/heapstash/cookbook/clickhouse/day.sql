SELECT substring(toString(100 + one.1), 2) AS hour, one.2 AS millicores,
  arrayStringConcat(arrayMap(i -> '#', range(toUInt64(greatest(1, assumeNotNull(intDiv(40 * one.2, most))))))) AS chart
FROM (
  SELECT arraySort(groupArray((hour_of_day, used))) AS hours, max(peak) AS most
  FROM (
    SELECT intDiv(ts % 86400, 3600) AS hour_of_day, intDiv(sum(cpu_usage_rate), count(cpu_usage_rate)) AS used, max(cpu_usage_rate) AS peak
    FROM namespace
    WHERE namespace = 'shop' AND ts - ts % 3600 >= {now:Int64} - 28 * 86400 AND ts - ts % 3600 + 3600 <= (SELECT max(horizon) - 1200 FROM passes)
      AND cpu_usage_rate IS NOT NULL
    GROUP BY hour_of_day))
ARRAY JOIN hours AS one
