-- A migration of a heapstash to come, for tests: it writes every row of a
-- table anew.

CREATE TABLE narrow_cold_anew (
  entity_id INTEGER NOT NULL,
  metric_id INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  value NOT NULL,
  PRIMARY KEY (entity_id, metric_id, ts)
) WITHOUT ROWID;
INSERT INTO narrow_cold_anew SELECT entity_id, metric_id, ts, value FROM narrow_cold;
DROP TABLE narrow_cold;
ALTER TABLE narrow_cold_anew RENAME TO narrow_cold;
