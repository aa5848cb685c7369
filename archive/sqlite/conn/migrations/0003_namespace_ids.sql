-- Free space: 0 times the archive's size.
--
-- What metric-export calls namespaces by. Several have pods of one name, and
-- their values may be alike; so what a pass learned is kept.

-- The names of namespaces by their ids, which are Kubernetes' UIDs.
CREATE TABLE namespace_id (
  cluster TEXT NOT NULL,
  id TEXT NOT NULL,
  namespace TEXT NOT NULL,
  PRIMARY KEY (cluster, id)
) WITHOUT ROWID;
