package archive

import "heapstash/schema"

// LakeDay is a day of raw rows in a lake: a directory of files outside the archive.
type LakeDay struct {
	Table   string // a kind's, a labelled family's, or "narrow"
	Cluster string
	Day     schema.Instant // its begin, UTC
}

// Extent is the size of rows in a lake.
type Extent struct {
	Files   int   `json:"files"`
	Rows    int64 `json:"rows"`
	Samples int64 `json:"samples"`
	Bytes   int64 `json:"bytes"`
}

// Kept is the result of writing rows to a lake.
type Kept struct {
	Before, After Extent // of the whole day
	// Conflicts is the number of samples that the lake has with another value, which
	// stays.
	Conflicts int64
}
