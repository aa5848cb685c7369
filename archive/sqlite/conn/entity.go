package conn

const (
	SelectEntityID = `SELECT id FROM entity WHERE kind = ? AND namespace = ? AND pod = ? AND container = ?
		AND node = ? AND labels = ? AND cluster = ?`
	InsertEntity = `INSERT INTO entity (kind, namespace, pod, container, node, labels, cluster, first_seen)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`
	InsertMetric = `INSERT INTO metric (name) VALUES (?) RETURNING id`
)
