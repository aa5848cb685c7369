package archivetest

import (
	"context"

	"heapstash/archive"
	"heapstash/archive/query"
)

// Reader is an archive that is open for reading. Several goroutines may use it.
type Reader interface {
	query.Archive
	archive.Teller
	// OpenSamples opens the samples of this moment.
	OpenSamples(context.Context) (archive.Samples, error)
	Close() error
}
