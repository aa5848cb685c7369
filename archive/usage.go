package archive

import ()

// Usage tells what takes the space of an archive.
type Usage struct {
	// Parts are the parts of the file, the largest first.
	Parts []PartUsage `json:"parts"`
	// Namespaces are those, and all that has none, the largest first.
	Namespaces []NamespaceUsage `json:"namespaces"`
	Free       int64            `json:"free_bytes"` // pages that the next hours fill
}

// PartUsage is what one level of a kind takes, or of a labelled family: its
// tables, to the page.
type PartUsage struct {
	// Name is the view's: pod, pod_hourly; narrow, narrow_hourly and
	// narrow_daily for metrics without a column; empty for all that is not
	// samples: names, the ledger, the schema.
	Name  string `json:"part"`
	Bytes int64  `json:"bytes"`
}

// NamespaceUsage is what the rows of a namespace take, about: as much of each
// table as it has of its rows. Metrics without a column are left out.
type NamespaceUsage struct {
	Cluster   string          `json:"cluster"`
	Namespace string          `json:"namespace"` // empty for the cluster, nodes and system containers
	Bytes     map[Level]int64 `json:"bytes"`
	Total     int64           `json:"total_bytes"`
}
