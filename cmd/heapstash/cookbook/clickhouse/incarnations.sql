SELECT pod, substring(uid, 1, 8) AS of_uid, node, images, toString(toDateTime(valid_from, 'UTC')) AS since, toString(toDateTime(valid_to, 'UTC')) AS until, present
FROM pod_identities
WHERE namespace = 'shop' AND pod = 'web-0'
ORDER BY valid_from
