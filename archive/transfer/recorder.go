package transfer

import (
	"errors"
	"iter"
)

// recordItems is how many items a record has at most.
const recordItems = 5000

// Recorder collects what a source reads into records.
type Recorder struct {
	Record // takes the items
	yield  func(Record, error) bool
	n      int
}

// errStopped ends reading, because the caller wants no more records.
var errStopped = errors.New("stopped")

// Records yields the records that read makes of a cluster, as [Source.Records] does.
// Explain adds to an error of read what the engine knows of it.
func Records(cluster string, read func(*Recorder) error, explain func(error) error) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		r := &Recorder{Record: Record{Cluster: cluster}, yield: yield}
		err := read(r)
		if err == nil {
			err = r.flush()
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(Record{}, explain(err))
		}
	}
}

// Added counts items that were added, and yields the record if it is full. Its error
// must end read.
func (r *Recorder) Added(n int) error {
	if r.n += n; r.n < recordItems {
		return nil
	}
	return r.flush()
}

func (r *Recorder) flush() error {
	if r.n == 0 {
		return nil
	}
	full := r.Record
	r.Record, r.n = Record{Cluster: full.Cluster}, 0
	if !r.yield(full, nil) {
		return errStopped
	}
	return nil
}
