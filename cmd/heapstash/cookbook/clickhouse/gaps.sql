SELECT from_time, to_time, intDiv(seconds, 60) AS minutes, cause, detail
FROM gaps
WHERE from_ts >= {now:Int64} - 42 * 86400
ORDER BY from_ts
