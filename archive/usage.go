package archive

// Usage shows how an archive's bytes are used.
type Usage struct {
	// Parts are the parts of the file, the largest first.
	Parts []PartUsage `json:"parts"`
	// Namespaces includes an entry for entities without a namespace. The largest is
	// first.
	Namespaces []NamespaceUsage `json:"namespaces"`
	Free       int64            `json:"free_bytes"` // in free pages, which the next hours fill
}

// PartUsage is the size of a level's tables for a kind or a labelled family, in whole
// pages.
type PartUsage struct {
	// Name is the view's name, such as pod or pod_hourly; narrow, narrow_hourly or
	// narrow_daily for metrics without a column; empty for names, the ledger and the
	// schema together.
	Name  string `json:"part"`
	Bytes int64  `json:"bytes"`
}

// NamespaceUsage is the approximate size of a namespace's rows: its share of each table
// is its share of the table's rows. It does not count metrics without a column.
type NamespaceUsage struct {
	Cluster   string          `json:"cluster"`
	Namespace string          `json:"namespace"` // empty for the cluster, nodes and system containers
	Bytes     map[Level]int64 `json:"bytes"`
	Total     int64           `json:"total_bytes"`
}
